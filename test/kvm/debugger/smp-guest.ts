/** A machine with several vCPUs under a `MachineTarget`: the boot processor starts the others, and all run one loop. */
import { cpuStates } from '../../../src/cli/cpu-states.js';
import { MachineTarget } from '../../../src/debugger/machine-target.js';
import type { Mechanism } from '../../../src/breakpoints/planner.js';
import type { BreakpointRequest, RegisterInfo, StopEvent, ThreadId } from '../../../src/target.js';
import type { IrqchipKind } from '../../../src/vmm/irqchip/interrupt-controllers.js';
import { Machine } from '../../../src/vmm/machine.js';
import { hostCapabilities } from './guest-under-debug.js';
import { EXIT, absolute, branch, le, load, REGISTER } from './machine-code.js';
import { patience } from '../../time-scale.js';

/** A slow host (docs/hosts.md) has more time; set by its runner. */
const PATIENCE_SECONDS = patience(10000) / 1000;

/** Every vCPU that is done counts itself here. */
const READY = 0xe000;
/** What the loop's registers point at: BX, DI and SI of it. */
export const COUNTER = 0xf000;
/** Where all vCPUs run the same bytes. */
export const LOOP = 0x8100;
const AP_START = 0x8000;
const AP_END = 0x8200;
const BOOT_END = 0x8300;
const ICR = 0xfee0_0300;

/**
 * Boot processor in 32-bit protected mode, the others in real mode, with flat addresses in both: at LOOP all have cx =
 * `rounds`, bx = di = COUNTER. The loop's bytes must mean the same in both; it ends where `dec cx` has made 0.
 * @param loop ends before its `dec cx; jnz LOOP`
 */
function program(others: number, rounds: number, loop: readonly number[]): { boot: number[]; placed: [number, number[]][] } {
  const body = [...loop, 0x49];
  const end = [0x75, 0x100 - body.length - 2, 0xff, 0xe6]; // jnz LOOP; jmp si
  const registers = (mode: 'real' | 'protected', then: number): number[] => [
    ...load(mode, REGISTER.cx, rounds), ...load(mode, REGISTER.bx, COUNTER), ...load(mode, REGISTER.di, COUNTER), ...load(mode, REGISTER.si, then),
  ];
  // ljmp 0:; xor ax, ax; mov ds, ax; ...; jmp LOOP. SIPI puts AP_START into CS, and a QEMU without KVM does not survive a breakpoint
  // in a debug register where CS has a base in real mode (docs/hosts.md).
  const ap = [0xea, ...le(AP_START + 5, 2), 0, 0, 0x31, 0xc0, 0x8e, 0xd8, ...registers('real', AP_END)];
  const apEnd = [...absolute('real', [0xf0, 0xfe], 0, READY), 0xfa, 0xf4, 0xeb, 0xfd]; // lock inc byte [READY]; cli; hlt
  const start = [
    ...absolute('protected', [0xc7], 0, ICR, le(0x000c_4500, 4)), // INIT and SIPI to all others (SDM vol. 3, 11.6.1)
    ...absolute('protected', [0xc7], 0, ICR, le(0x000c_4600 | AP_START >> 12, 4)),
    ...registers('protected', BOOT_END),
  ];
  const at = 0x10_0000;
  const wait = absolute('protected', [0x80], 7, READY, [others]);
  return {
    boot: others === 0 ? [...start.slice(-20), ...branch('protected', [0xe9], at + 20, LOOP)] : [...start, ...branch('protected', [0xe9], at + start.length, LOOP)],
    placed: [
      [AP_START, [...ap, ...branch('real', [0xe9], AP_START + ap.length, LOOP)]], [LOOP, [...body, ...end]], [AP_END, apEnd],
      [BOOT_END, [...wait, ...branch('protected', [0x0f, 0x85], wait.length, 0), ...EXIT]],
    ],
  };
}

export class SmpGuest {
  readonly machine: Machine;
  readonly target: MachineTarget;
  readonly console: string[] = [];
  private waiting: (stop: StopEvent) => void = () => undefined;

  constructor(readonly cpus: number, rounds: number, loop: readonly number[], mechanisms?: readonly Mechanism[], irqchip: IrqchipKind = 'kernel') {
    const { boot, placed } = program(cpus - 1, rounds, loop);
    this.machine = Machine.create({
      memory: 4 << 20, cpus, irqchip,
      guest: { bytes: Uint8Array.from(boot), name: 'test', boot: 'flat', mode: 'protected' },
    });
    for (const [address, bytes] of placed) this.machine.memory.write(address, Uint8Array.from(bytes));
    this.target = new MachineTarget(this.machine, {
      capabilities: hostCapabilities, version: 'test', ...(mechanisms !== undefined && { mechanisms: new Set(mechanisms) }),
    });
    this.target.onStop((stop) => this.waiting(stop));
    this.target.onConsole((text) => this.console.push(text));
  }

  get threads(): ThreadId[] {
    return this.target.threads().map(({ id }) => id);
  }

  /** All threads; the next stop. */
  continue(): Promise<StopEvent> {
    return this.stopOf(() => this.target.resume(this.threads.map((thread) => ({ kind: 'continue', thread }))));
  }

  /** One thread, the others stay. */
  step(thread: ThreadId): Promise<StopEvent> {
    return this.stopOf(() => this.target.resume([{ kind: 'step', thread }]));
  }

  /** Off a breakpoint and on, as gdb goes: one thread without it, then all with it. */
  async continueOff(thread: ThreadId, breakpoint: BreakpointRequest): Promise<StopEvent> {
    this.target.breakpoints.remove(breakpoint);
    await this.step(thread);
    this.target.breakpoints.insert(breakpoint);
    return this.continue();
  }

  /** Brings all threads to `place`, where a breakpoint is; who stands there already stays, or it would stop again. */
  async gather(place: bigint): Promise<void> {
    const away = (): ThreadId[] => this.threads.filter((thread) => this.register(thread, 'rip') !== place);
    while (away().length > 0) await this.stopOf(() => this.target.resume(away().map((thread) => ({ kind: 'continue', thread }))));
  }

  async interrupted(): Promise<StopEvent> {
    return this.stopOf(() => this.target.interrupt());
  }

  /** The stop that follows what `start` does; if none comes, every vCPU's state is in the error. */
  stopOf(start: () => void): Promise<StopEvent> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const states = cpuStates(this.target);
        this.close();
        reject(new Error(`no stop within ${PATIENCE_SECONDS} s; ${states}`));
      }, PATIENCE_SECONDS * 1000);
      this.waiting = (stop) => {
        clearTimeout(timer);
        resolve(stop);
      };
      try {
        start();
      } catch (error) {
        clearTimeout(timer);
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  register(thread: ThreadId, name: string): bigint {
    const register = this.registerOf(name);
    return this.target.readRegister(thread, register.regnum).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  setRegister(thread: ThreadId, name: string, value: bigint): void {
    const register = this.registerOf(name);
    this.target.writeRegister(thread, register.regnum, Uint8Array.from({ length: register.size }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn)));
  }

  /** How many of the others are done with the loop. */
  get finished(): number {
    return this.machine.memory.read(READY, 1)[0];
  }

  /** The rounds that a thread has still to make, if it is in the loop. */
  left(thread: ThreadId): number {
    return Number(this.register(thread, 'rcx') & 0xffffn);
  }

  /** The 16-bit word that `lock inc word [bx]` in the loop counts in. */
  get counter(): number {
    const [low, high] = this.machine.memory.read(COUNTER, 2);
    return low + 256 * high;
  }

  close(): void {
    this.machine.close();
  }

  private registerOf(name: string): RegisterInfo {
    const register = this.target.description.registers.find((candidate) => candidate.name === name);
    if (register === undefined) throw new Error(`no register ${name}`);
    return register;
  }
}
