/** A few bytes of guest code under a `MachineTarget`, for tests on real KVM. */
import { probeThisHost } from '../../../src/debugger/probe-machine.js';
import { MachineTarget } from '../../../src/debugger/machine-target.js';
import type { DebugCapabilities } from '../../../src/breakpoints/capabilities.js';
import type { Mechanism } from '../../../src/breakpoints/planner.js';
import type { StopEvent } from '../../../src/target.js';
import { Machine, type MachineOptions } from '../../../src/vmm/machine.js';
import { patience } from '../../time-scale.js';

/** A slow host (docs/hosts.md) has more time; set by its runner. */
const PATIENCE_SECONDS = patience(5000) / 1000;

let probed: DebugCapabilities | undefined;

/** This host's capabilities, probed once per test file. */
export function hostCapabilities(): DebugCapabilities {
  probed ??= probeThisHost();
  return probed;
}

export type TestMode = 'real' | 'protected' | 'long';

/** Where the code of each mode is put. */
export const CODE: Readonly<Record<TestMode, number>> = { real: 0x7c00, protected: 0x10_0000, long: 0x10_0000 };

export class GuestUnderDebug {
  readonly machine: Machine;
  readonly target: MachineTarget;
  readonly start: bigint;
  readonly serial: number[] = [];
  readonly console: string[] = [];
  private waiting: ((stop: StopEvent) => void) | undefined;

  constructor(readonly mode: TestMode, code: readonly number[], capabilities?: DebugCapabilities, mechanisms?: readonly Mechanism[], options: Pick<MachineOptions, 'irqchip' | 'bios'> = {}) {
    this.start = BigInt(CODE[mode]);
    this.machine = Machine.create({
      memory: 4 << 20, ...options,
      guest: { bytes: Uint8Array.from(code), name: 'test', boot: 'flat', mode },
      serial: { write: (bytes: Uint8Array) => { this.serial.push(...bytes); } },
    });
    this.target = new MachineTarget(this.machine, {
      capabilities: () => capabilities ?? hostCapabilities(),
      version: 'test',
      ...(mechanisms !== undefined && { mechanisms: new Set(mechanisms) }),
    });
    this.target.onStop((stop) => {
      this.waiting?.(stop);
      this.waiting = undefined;
    });
    this.target.onConsole((text) => this.console.push(text));
  }

  get pc(): bigint {
    return this.read('rip');
  }

  /** pc relative to the first instruction. */
  get offset(): number {
    return Number(this.pc - this.start);
  }

  read(name: string): bigint {
    const register = this.target.description.registers.find((candidate) => candidate.name === name);
    if (register === undefined) throw new Error(`no register ${name}`);
    return this.target.readRegister(1, register.regnum).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  write(name: string, value: bigint): void {
    const register = this.target.description.registers.find((candidate) => candidate.name === name);
    if (register === undefined) throw new Error(`no register ${name}`);
    this.target.writeRegister(1, register.regnum, Uint8Array.from({ length: register.size }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn)));
  }

  step(): Promise<StopEvent> {
    return this.resume(() => this.target.resume([{ kind: 'step', thread: 1 }]));
  }

  stepRange(start: bigint, end: bigint): Promise<StopEvent> {
    return this.resume(() => this.target.resume([{ kind: 'range-step', thread: 1, start, end }]));
  }

  continue(): Promise<StopEvent> {
    return this.resume(() => this.target.resume([{ kind: 'continue', thread: 1 }]));
  }

  /** The stop that follows what was started elsewhere. */
  stop(): Promise<StopEvent> {
    return this.resume(() => undefined);
  }

  break(offset: number, kind: 'software' | 'hardware' = 'software'): void {
    this.target.breakpoints.insert({ kind, address: this.start + BigInt(offset), length: 1 });
  }

  unbreak(offset: number, kind: 'software' | 'hardware' = 'software'): void {
    this.target.breakpoints.remove({ kind, address: this.start + BigInt(offset), length: 1 });
  }

  watch(kind: 'write' | 'read' | 'access', address: number | bigint, length: number): void {
    this.target.breakpoints.insert({ kind, address: BigInt(address), length });
  }

  unwatch(kind: 'write' | 'read' | 'access', address: number | bigint, length: number): void {
    this.target.breakpoints.remove({ kind, address: BigInt(address), length });
  }

  bytes(address: number, length: number): number[] {
    return [...this.machine.memory.read(address, length)];
  }

  poke(address: number, bytes: readonly number[]): void {
    this.machine.memory.write(address, Uint8Array.from(bytes));
  }

  close(): void {
    this.machine.close();
  }

  private resume(start: () => void): Promise<StopEvent> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        // A guest that goes on would keep the test's process from ending.
        this.close();
        reject(new Error(`no stop within ${PATIENCE_SECONDS} s (pc unknown, ${this.mode} mode)`));
      }, PATIENCE_SECONDS * 1000);
      const done = (stop: StopEvent): void => {
        clearTimeout(timer);
        resolve(stop);
      };
      this.waiting = done;
      try {
        start();
      } catch (error) {
        clearTimeout(timer);
        this.waiting = undefined;
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }
}

/** Lets CPL 3 use the first 2 MiB: the user bit at each level of the identity mapping. */
export function openToUser(guest: GuestUnderDebug): void {
  let table = Number(guest.read('cr3')) & ~0xfff;
  for (let level = 0; level < 3; level++) {
    const entry = guest.bytes(table, 3);
    guest.poke(table, [entry[0] | 4]);
    if ((entry[0] & 0x80) !== 0) return;
    table = (entry[1] & 0xf0) * 0x100 + entry[2] * 0x10000;
  }
}
