/**
 * QEMU's vendor packets, which plugins use to recognise a machine and to read physical memory (QEMU manual,
 * "GDB usage", "Advanced debugging options").
 */
import { TargetError } from '../../target.js';
import type { CommandSpec } from '../command-spec.js';
import { PacketReader } from '../packet-reader.js';
import type { SessionState } from '../session-state.js';

const ENABLE = 1;
const NO_IRQ = 2;
const NO_TIMER = 4;

const STEP_BITS = `ENABLE=${ENABLE},NOIRQ=${NO_IRQ},NOTIMER=${NO_TIMER}`;

function readStepOptions({ target: { stepOptions } }: SessionState): string {
  const bits = ENABLE | (stepOptions?.noIrq ? NO_IRQ : 0) | (stepOptions?.noTimer ? NO_TIMER : 0);
  return `0x${bits.toString(16)}`;
}

function writeStepOptions({ target: { stepOptions } }: SessionState, args: Buffer): string {
  const bits = readFlag(args, '=');
  if (bits > (ENABLE | NO_IRQ | NO_TIMER)) throw new TargetError(`The bits of sstep are ${STEP_BITS}.`);
  if (stepOptions === undefined) return '';
  stepOptions.noIrq = (bits & NO_IRQ) !== 0;
  stepOptions.noTimer = (bits & NO_TIMER) !== 0;
  return 'OK';
}

function writePhysicalMode({ target: { physicalMemory } }: SessionState, args: Buffer): string {
  const value = readFlag(args, ':');
  if (physicalMemory === undefined) return '';
  physicalMemory.enabled = value !== 0;
  return 'OK';
}

function readFlag(args: Buffer, delimiter: string): number {
  const reader = new PacketReader(args);
  reader.expect(delimiter, 'after the name');
  const value = reader.number('a value');
  reader.expectEnd('the value');
  return value;
}

const hasStepOptions: CommandSpec['available'] = (target) => target.stepOptions !== undefined;
const hasPhysicalMemory: CommandSpec['available'] = (target) => target.physicalMemory !== undefined;

export const qemuCommands: readonly CommandSpec[] = [
  { name: 'qqemu.sstepbits', available: hasStepOptions, handle: () => STEP_BITS },
  // Some plugins ask with a capital Q.
  { name: 'Qqemu.sstepbits', available: hasStepOptions, handle: () => STEP_BITS },
  { name: 'qqemu.sstep', available: hasStepOptions, handle: readStepOptions },
  { name: 'Qqemu.sstep', available: hasStepOptions, handle: writeStepOptions },
  {
    name: 'qqemu.PhyMemMode',
    available: hasPhysicalMemory,
    handle: ({ target }) => (target.physicalMemory?.enabled ? '1' : '0'),
  },
  { name: 'Qqemu.PhyMemMode', available: hasPhysicalMemory, handle: writePhysicalMode },
];
