/** SeaBIOS on its board, run in slices until what is waited for is there. */
import { readFileSync } from 'node:fs';
import { findVideoBios, requireSeabios } from '../../../src/vmm/boot/seabios.js';
import type { FirmwareImage } from '../../../src/vmm/boot/firmware.js';
import type { MachineEvent } from '../../../src/vmm/device.js';
import { Machine, type MachineOptions } from '../../../src/vmm/machine.js';
import { runUntilEnd } from '../../../src/vmm/run-machine.js';
import type { BlockImage } from '../../../src/vmm/storage/block-image.js';
import { patience } from '../../time-scale.js';

const PATIENCE_SECONDS = patience(60_000) / 1000;
const SLICE_MILLISECONDS = 150;

export interface Board {
  readonly machine: Machine;
  readonly said: string[];
  readonly output: { serial: string; debug: string };
  /** Runs until `done`, or an event. Throws when the guest ends otherwise, or never. */
  readonly until: (done: () => boolean) => Promise<MachineEvent | undefined>;
}

/** `firmware`: what is said to SeaBIOS besides. */
export function board(options: MachineOptions = {}, firmware: Partial<FirmwareImage> = {}): Board {
  const output = { serial: '', debug: '' };
  const said: string[] = [];
  const sink = (name: 'serial' | 'debug') => ({ write: (bytes: Uint8Array) => { output[name] += Buffer.from(bytes).toString('latin1'); } });
  const machine = Machine.create({
    memory: 32 << 20, irqchip: 'kernel', firmware: { name: 'SeaBIOS', bytes: readFileSync(requireSeabios()), videoRom: readFileSync(findVideoBios() ?? ''), ...firmware },
    serial: sink('serial'), firmwareConsole: sink('debug'), log: (text) => said.push(text), ...options,
  });
  const until = async (done: () => boolean): Promise<MachineEvent | undefined> => {
    for (const deadline = Date.now() + PATIENCE_SECONDS * 1000; Date.now() < deadline;) {
      const end = await runUntilEnd(machine, SLICE_MILLISECONDS);
      if (end.kind === 'event') return end.event;
      if (end.kind === 'exit') throw new Error(`the guest ended with ${end.exit.reason}:\n${output.debug}${output.serial}`);
      if (done()) return undefined;
    }
    throw new Error(`nothing came in ${PATIENCE_SECONDS} s:\n${output.debug}${output.serial}`);
  };
  return { machine, said, output, until };
}

/** A disk in memory. */
export function ramDisk(bytes: Uint8Array): BlockImage {
  return {
    name: 'ram', size: bytes.length, readOnly: false,
    read: (offset, target) => target.set(bytes.subarray(offset, offset + target.length)),
    write: (offset, from) => bytes.set(from, offset),
    flush: () => undefined, save: () => ({}), restore: () => undefined, close: () => undefined,
  };
}
