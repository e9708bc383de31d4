/** Runs a tiny guest from its first instruction to its end. */
import type { Test } from 'tape';
import { Machine, type GuestSource, type MachineOptions } from '../../../src/vmm/machine.js';
import { runUntilEnd } from '../../../src/vmm/run-machine.js';
import { patience } from '../../time-scale.js';

/** What a guest printed, and the status it ended with. */
export interface Run {
  readonly output: string;
  readonly status: number | undefined;
}

/** Boots a guest with 16 MiB, and runs it until it ends, or until that counts as a hang. */
export async function run(t: Test, guest: Omit<GuestSource, 'name'>, options: Omit<MachineOptions, 'guest'> = {}): Promise<Run> {
  let output = '';
  const machine = Machine.create({
    memory: 16 * 1024 ** 2, ...options, guest: { name: 'guest', ...guest },
    serial: { write: (bytes) => { output += String.fromCharCode(...bytes); } },
  });
  try {
    const end = await runUntilEnd(machine, patience(10_000));
    if (end.kind !== 'event') t.comment(`ended by ${end.kind === 'exit' ? JSON.stringify(end.exit, (_, value: unknown) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value)) : 'timeout'}`);
    return { output, status: end.kind === 'event' && end.event.kind === 'power-off' ? end.event.status : undefined };
  } finally {
    machine.close();
  }
}
