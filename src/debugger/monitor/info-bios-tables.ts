/** `monitor info bda` and `monitor info e820`: what a BIOS, or the boot protocol, has told the guest about its machine. */
import { entriesOf, readMemoryMap, type ReadMapEntry } from '../../vmm/boot/read-memory-map.js';
import type { Machine } from '../../vmm/machine.js';
import { hex, type MonitorCommand, type Write } from './command.js';

const BDA = 0x400;
const BDA_SIZE = 0x100;
const E820_TYPES: Readonly<Record<number, string>> = { 1: 'RAM', 2: 'reserved', 3: 'ACPI tables', 4: 'ACPI NVS', 5: 'bad RAM', 7: 'persistent memory' };
const E820_ENTRY = 20;

/** Line by line: what it is called, and what the area says (IBM PC/AT Technical Reference, "BIOS data area"). */
const BDA_ROWS: readonly (readonly [label: string, text: (at: (offset: number) => number, word: (offset: number) => number) => string])[] = [
  ['serial ports', (_at, word) => ports([0x00, 0x02, 0x04, 0x06].map(word))],
  ['parallel ports', (_at, word) => ports([0x08, 0x0a, 0x0c].map(word))],
  ['EBDA', (_at, word) => (word(0x0e) === 0 ? 'none' : `segment ${hex(word(0x0e), 4)} (linear 0x${hex(word(0x0e) * 16, 5)})`)],
  ['equipment', (_at, word) => `0x${hex(word(0x10), 4)}`],
  ['memory below 640 KiB', (_at, word) => `${word(0x13)} KiB`],
  ['keyboard flags', (at) => `0x${hex(at(0x17), 2)} 0x${hex(at(0x18), 2)}`],
  ['keys waiting', (_at, word) => keysWaiting(word)],
  ['video mode', (at, word) => `0x${hex(at(0x49), 2)}, ${word(0x4a)} columns, ${at(0x84) + 1} rows, CRTC at 0x${hex(word(0x63), 3)}`],
  ['cursor', (at) => `column ${at(0x50 + 2 * (at(0x62) & 7))}, row ${at(0x51 + 2 * (at(0x62) & 7))} of page ${at(0x62)}`],
  ['timer ticks', (_at, word) => `${word(0x6c) + word(0x6e) * 0x1_0000} (18.2 a second since midnight)`],
  ['warm boot flag', (_at, word) => (word(0x72) === 0x1234 ? '0x1234: no memory test' : `0x${hex(word(0x72), 4)}`)],
  ['hard disks', (at) => `${at(0x75)}`],
];

function ports(bases: readonly number[]): string {
  const there = bases.filter((base) => base !== 0).map((base) => `0x${hex(base, 3)}`);
  return there.length === 0 ? 'none' : there.join(' ');
}

/** Head and tail of the ring at 40:1E, or wherever 40:80 and 40:82 put it. */
function keysWaiting(word: (offset: number) => number): string {
  const [head, tail, start, end] = [word(0x1a), word(0x1c), word(0x80) || 0x1e, word(0x82) || 0x3e];
  const inRing = (offset: number): boolean => offset >= start && offset < end;
  if (!inRing(head) || !inRing(tail)) return 'none (the buffer is not set up)';
  const size = end - start;
  return `${((tail - head + size) % size) / 2}`;
}

const infoBda: MonitorCommand = {
  name: 'info bda',
  help: 'Show the BIOS data area at physical 0x400.',
  run({ machine }, _words, write) {
    const bytes = machine.memory.read(BDA, BDA_SIZE);
    if (bytes.every((byte) => byte === 0)) return write('The BIOS data area at 0x400 is empty: no BIOS has filled it.\n');
    const at = (offset: number): number => bytes[offset] ?? 0;
    const word = (offset: number): number => at(offset) | (at(offset + 1) << 8);
    for (const [label, text] of BDA_ROWS) write(`${label.padEnd(22)}${text(at, word)}\n`);
  },
};

const infoE820: MonitorCommand = {
  name: 'info e820',
  help: 'Show the memory map that the guest, or its firmware, was given.',
  run({ machine }, _words, write) {
    const { place, entries, remark } = memoryMapOf(machine);
    write(`${place}\n`);
    writeEntries(entries, write);
    if (remark !== undefined) write(`${remark}\n`);
  },
};

interface ToldMap {
  readonly place: string;
  readonly entries: readonly ReadMapEntry[];
  readonly remark?: string;
}

function memoryMapOf(machine: Machine): ToldMap {
  const { guest, memory, fwCfg, bios } = machine;
  const told = fwCfg?.file('etc/e820');
  if (told !== undefined) {
    return {
      place: 'The firmware was told by fw_cfg (etc/e820):', entries: entriesOf(told, told.length / E820_ENTRY, E820_ENTRY),
      remark: 'What it answers to INT 15h, AX=E820h is less: it keeps some memory for itself.',
    };
  }
  const read = guest === undefined ? undefined : readMemoryMap(guest, memory);
  if (read !== undefined) return { place: `The guest was told by ${read.place}:`, entries: read.entries };
  if (bios !== undefined) {
    return { place: 'The built-in BIOS answers to INT 15h, AX=E820h:', entries: bios.memoryMap.map(({ start, size, type }) => ({ start: BigInt(start), size: BigInt(size), type })) };
  }
  const ram = memory.regions.filter(({ kind }) => kind === 'ram').map(({ start, size }) => ({ start: BigInt(start), size: BigInt(size), type: 1 }));
  return { place: 'The guest was told nothing: there is no BIOS and no boot protocol with a memory map. The machine has:', entries: ram };
}

function writeEntries(entries: readonly ReadMapEntry[], write: Write): void {
  for (const { start, size, type } of entries) {
    write(`0x${hex(start, 12)}-0x${hex(BigInt.asUintN(64, start + size - 1n), 12)}  ${sizeText(size).padStart(12)}  ${E820_TYPES[type] ?? `type ${type}`}\n`);
  }
}

function sizeText(size: bigint): string {
  const units = [[30n, 'GiB'], [20n, 'MiB'], [10n, 'KiB']] as const;
  const [shift, unit] = units.find(([bits]) => size !== 0n && size % (1n << bits) === 0n) ?? [0n, 'bytes'];
  return `${size >> shift} ${unit}`;
}

export const biosTableCommands: readonly MonitorCommand[] = [infoBda, infoE820];
