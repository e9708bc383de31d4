/**
 * The library: boot a guest on KVM and debug it from a program.
 *
 * ```ts
 * import { Machine } from 'kvm-gdbserver';
 * const machine = Machine.boot('boot.img');
 * await machine.runTo(0x7c10n);
 * console.log(machine.readRegister('rax'), machine.readMemory(0x7c00n, 16));
 * machine.close();
 * ```
 */
import { MachineTarget } from './debugger/machine-target.js';
import { probeThisHost } from './debugger/probe-machine.js';
import { Server } from './rsp/server.js';
import { listen, parseListenAddress } from './rsp/transports/listen-address.js';
import { TargetError, type StopEvent, type ThreadId } from './target.js';
import { readBootModule, readGuestFile } from './vmm/boot/guest-file.js';
import { findSymbols } from './vmm/boot/symbol-file.js';
import type { BootKind, StartMode } from './vmm/boot/boot-options.js';
import { Machine as Hardware } from './vmm/machine.js';
import { native } from './vmm/native.js';

export { TargetError } from './target.js';
export type { FaultSignal, StopEvent, StopReason, ThreadId, ThreadInfo } from './target.js';
export type { BootKind, StartMode } from './vmm/boot/boot-options.js';
export { GuestError } from './vmm/boot/boot-options.js';

export interface BootOptions {
  /** RAM in bytes; 128 MiB by default. */
  readonly memory?: number;
  /** How to start the file; told by its content by default. */
  readonly boot?: BootKind;
  /** Flat images: guest-physical address, linear address of the first instruction, CPU mode (of a bzImage, too). */
  readonly load?: number;
  readonly entry?: bigint;
  readonly mode?: StartMode;
  readonly commandLine?: string;
  /** Each `FILE ARGS`: Multiboot modules, or a Linux kernel's initrd files. */
  readonly modules?: readonly string[];
  /** Path of an ELF file for gdb, where the guest itself has no symbols. */
  readonly symbols?: string;
  /** Takes what the guest writes to COM1 and the debug consoles. */
  readonly serial?: (bytes: Uint8Array) => void;
  /** Sentences for a person: unknown ports, notes. */
  readonly log?: (text: string) => void;
}

/** A gdb server that a program started with `Machine.listen`. */
export interface GdbListener {
  /** As gdb's `target remote` takes it. */
  readonly address: string;
  close(): Promise<void>;
}

/** A guest under a debugger, stopped at its first instruction. Addresses are linear; `rip` is CS.base + IP. */
export class Machine {
  private readonly target: MachineTarget;
  private waiting: ((stop: StopEvent) => void) | undefined;

  private constructor(private readonly hardware: Hardware) {
    const executable = hardware.guest?.executable;
    this.target = new MachineTarget(hardware, {
      capabilities: probeThisHost,
      ...(executable !== undefined && { executable }),
    });
    this.target.onStop((stop) => {
      const done = this.waiting;
      this.waiting = undefined;
      done?.(stop);
    });
  }

  /**
   * Boots a file, or bytes, and holds the machine at the first instruction. Throws an Error with one sentence when the
   * file cannot be started or the host has no usable KVM.
   */
  static boot(guest: string | Uint8Array, options: BootOptions = {}): Machine {
    const { memory, serial, log, modules = [], symbols: given, ...rest } = options;
    const file = typeof guest === 'string' ? readGuestFile(guest) : { bytes: guest, name: 'guest' };
    const symbols = findSymbols(file, given);
    return new Machine(Hardware.create({
      guest: { ...file, ...rest, modules: modules.map(readBootModule), ...(symbols !== undefined && { symbols }) },
      ...(memory !== undefined && { memory }),
      ...(serial !== undefined && { serial: { write: (bytes: Uint8Array) => serial(bytes) } }),
      ...(log !== undefined && { log }),
    }));
  }

  /** True from `run`, `runTo`, `step` or a gdb's resume until the stop. */
  get running(): boolean {
    return this.target.running;
  }

  /** Why the machine stands; reason `step` before it has run. */
  get lastStop(): StopEvent {
    return this.target.lastStop;
  }

  /** Linear address of the next instruction. */
  get pc(): bigint {
    return this.readRegister('rip');
  }

  /**
   * Runs until something stops the machine: a breakpoint, a fault, the guest's end, `interrupt`. Execution starts behind a
   * breakpoint that stands at the pc. Rejects with TargetError while it runs already or when it has ended.
   */
  async run(): Promise<StopEvent> {
    if (this.target.wanted.executionAt(this.pc) !== undefined) {
      const stop = await this.step();
      if (stop.reason.kind !== 'step') return stop;
      if (this.target.wanted.executionAt(this.pc) !== undefined) return stop;
    }
    return this.resume('continue');
  }

  /** Runs until the pc is `address` (linear), or something else stops the machine first. Rejects as `run` does. */
  async runTo(address: bigint): Promise<StopEvent> {
    const request = { kind: 'software', address, length: 1 } as const;
    const isNew = !this.target.wanted.has(request);
    this.target.breakpoints.insert(request);
    try {
      return await this.run();
    } finally {
      if (isNew) this.target.breakpoints.remove(request);
    }
  }

  /** Executes one instruction, which may be a HLT or lead into a handler. Rejects as `run` does. */
  step(): Promise<StopEvent> {
    return this.resume('step');
  }

  /** Asks a running machine to stop; the promise of `run` resolves with reason `interrupt`. */
  interrupt(): void {
    this.target.interrupt();
  }

  /** At a linear address; any number of them. Throws TargetError where this host cannot make the machine stop. */
  setBreakpoint(address: bigint): void {
    this.target.breakpoints.insert({ kind: 'software', address, length: 1 });
  }

  /** Removing what is not there is no error. */
  removeBreakpoint(address: bigint): void {
    this.target.breakpoints.remove({ kind: 'software', address, length: 1 });
  }

  /** A register by gdb's name (`rax`, `eip`, `cr0`, `cs_base`, `mode`), unsigned. TargetError while the machine runs. */
  readRegister(name: string, thread: ThreadId = 1): bigint {
    const bytes = this.target.readRegister(thread, this.register(name).regnum);
    return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  /** Throws TargetError when the processor does not take the value, and while the machine runs. */
  writeRegister(name: string, value: bigint, thread: ThreadId = 1): void {
    const { regnum, size } = this.register(name);
    const bytes = Uint8Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
    this.target.writeRegister(thread, regnum, bytes);
  }

  /** A copy of `length` bytes from a linear address as `thread` maps it; short where the mapped memory ends, empty where none is. */
  readMemory(address: bigint, length: number, thread: ThreadId = 1): Uint8Array {
    return this.target.readMemory(thread, address, length).slice();
  }

  /** Writes all of `bytes` at a linear address, or nothing and throws TargetError. */
  writeMemory(address: bigint, bytes: Uint8Array, thread: ThreadId = 1): void {
    this.target.writeMemory(thread, address, bytes);
  }

  /** What gdb's `monitor COMMAND` prints; a wrong command is text, too. */
  monitor(command: string): string {
    let output = '';
    this.target.monitor.execute(command, (text) => { output += text; });
    return output;
  }

  /** Back to before the first instruction; breakpoints stay. Throws TargetError while the machine runs. */
  reset(): void {
    this.target.reset();
  }

  /**
   * Lets gdb attach: `127.0.0.1:1234`, `:0` for a free port, `unix:PATH`. A gdb that connects stops the machine and clears
   * its breakpoints. Rejects with one sentence when it cannot listen there.
   */
  async listen(address: string): Promise<GdbListener> {
    const server = new Server({ target: this.target, onKill: 'keep', yieldCpu: () => native().yieldCpu() });
    const listener = await listen(parseListenAddress(address), (connection) => server.accept(connection));
    return {
      address: listener.address,
      async close() {
        server.close();
        await listener.close();
      },
    };
  }

  /** Frees everything; a run that is under way never resolves. Idempotent. */
  close(): void {
    this.hardware.close();
  }

  private register(name: string): { readonly regnum: number; readonly size: number } {
    const found = this.target.description.registers.find((register) => register.name === name);
    if (found === undefined) throw new TargetError(`There is no register "${name}"`);
    return found;
  }

  private resume(kind: 'continue' | 'step'): Promise<StopEvent> {
    if (this.waiting !== undefined) return Promise.reject(new TargetError('The machine is running already', 16));
    return new Promise((resolve, reject) => {
      this.waiting = resolve;
      try {
        this.target.resume([{ kind, thread: 1 }]);
      } catch (error) {
        this.waiting = undefined;
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }
}
