/** Machines of any kind under a debugger: more than one processor, snapshots, time. */
import { createHash } from 'node:crypto';
import { MachineTarget, type MachineTargetOptions } from '../../../src/debugger/machine-target.js';
import type { ResumeAction, StopEvent } from '../../../src/target.js';
import { Machine, type MachineOptions } from '../../../src/vmm/machine.js';
import { hostCapabilities } from './guest-under-debug.js';
import { patience } from '../../time-scale.js';

const MIB = 1 << 20;
/** SeaBIOS takes four seconds of a processor, and a busy machine gives it few. */
const PATIENCE = patience(180_000);

/** A machine under a target, run and looked at as a whole. */
export class MachineUnderDebug {
  readonly machine: Machine;
  readonly target: MachineTarget;
  readonly said: string[] = [];
  serial = '';
  constructor(options: MachineOptions, debug: Partial<MachineTargetOptions>) {
    this.machine = Machine.create({ memory: 4 * MIB, serial: { write: (bytes) => { this.serial += String.fromCharCode(...bytes); } }, ...options });
    this.target = new MachineTarget(this.machine, { capabilities: hostCapabilities, ...debug });
    this.target.onConsole((text) => this.said.push(text));
  }

  monitor(command: string): string {
    let text = '';
    this.target.monitor.execute(command, (part) => { text += part; });
    return text;
  }

  run(...actions: ResumeAction[]): Promise<StopEvent> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => { this.machine.close(); reject(new Error('no stop')); }, PATIENCE);
      const listening = this.target.onStop((stop) => { clearTimeout(timer); listening.dispose(); resolve(stop); });
      this.target.resume(actions);
    });
  }

  continue(): Promise<StopEvent> {
    return this.run(...this.machine.vcpus.map((_, i) => ({ kind: 'continue' as const, thread: i + 1 })));
  }

  /** Runs in slices of so many milliseconds until it is so, or until that counts as a hang. */
  async runUntil(isSo: () => boolean, milliseconds: number): Promise<void> {
    for (const end = Date.now() + PATIENCE; !isSo() && Date.now() < end;) {
      const timer = setTimeout(() => this.target.interrupt(), milliseconds);
      await this.continue();
      clearTimeout(timer);
    }
  }

  /** Everything that a debugger sees: registers of every CPU, all of RAM, the devices. */
  fingerprint(): string {
    const hash = createHash('sha1');
    for (const { id } of this.target.threads()) hash.update(this.target.readRegisters(id));
    for (const chunk of this.machine.memory.chunks) if (chunk.kind === 'ram') hash.update(chunk.bytes);
    for (const device of this.machine.devices) if (!/clock|timer|PM/i.test(device.name)) hash.update(JSON.stringify(device.save()));
    return hash.digest('hex');
  }

  async steps(count: number, threads: readonly number[]): Promise<string[]> {
    const seen: string[] = [];
    for (let i = 0; i < count; i++) {
      await this.run({ kind: 'step', thread: threads[i % threads.length] });
      seen.push(this.fingerprint());
    }
    return seen;
  }
}

export async function withMachine(options: MachineOptions, body: (guest: MachineUnderDebug) => Promise<void>, debug: Partial<MachineTargetOptions> = {}): Promise<void> {
  const guest = new MachineUnderDebug(options, debug);
  try {
    await body(guest);
  } finally {
    guest.machine.close();
  }
}
