/**
 * What the CMOS memory of a PC tells its firmware (Ralf Brown's Interrupt List, CMOS.LST; from 0x34 on as QEMU's machine
 * and SeaBIOS have it): sizes of memory, drives, and the number of processors.
 */
import { HIGH_RAM_BASE } from '../guest-memory.js';
import type { MemoryRegion } from '../guest-memory.js';
import { MEBIBYTE } from '../memory-size.js';

const KIBIBYTE = 1024;
const UNIT_64K = 64 * KIBIBYTE;
const BASE_MEMORY_KIB = 640;
/** Equipment: a PS/2 mouse, a coprocessor, 80-column colour text; drives are added. */
const EQUIPMENT = 0x06;
/** Boot order: a nibble for each of three kinds of drive (Bochs; SeaBIOS where it finds no `bootorder`). It cannot tell one disk from another. */
const BOOT_CODES = { floppy: 1, disk: 2, cdrom: 3 } as const;
const BOOT_ORDER = ['disk', 'cdrom', 'floppy'] as const;

export interface CmosFacts {
  /** In the order of addresses. */
  readonly ram: readonly MemoryRegion[];
  readonly cpus: number;
  /** How INT 13h is to number the disks' sectors, two bits a drive; 0 when all are taken as they are. */
  readonly translations?: number;
  /** What is booted first; the others come behind. */
  readonly bootKinds?: readonly ('disk' | 'cdrom')[];
}

/** The bytes by their index. */
export function cmosContents({ ram, cpus, translations = 0, bootKinds = [] }: CmosFacts): ReadonlyMap<number, number> {
  const [first, second, third] = [...new Set([...bootKinds, ...BOOT_ORDER])].map((kind) => BOOT_CODES[kind]);
  const low = ram.find(({ start }) => start === 0)?.size ?? 0;
  const high = ram.filter(({ start }) => start >= HIGH_RAM_BASE).reduce((sum, { size }) => sum + size, 0);
  const extended = Math.min(Math.max(0, low - MEBIBYTE) / KIBIBYTE, 0xffff);
  const above16 = Math.min(Math.max(0, low - 16 * MEBIBYTE) / UNIT_64K, 0xffff);
  return new Map([
    ...word(0x15, BASE_MEMORY_KIB),
    ...word(0x17, extended),
    ...word(0x30, extended),
    ...word(0x34, above16),
    [0x14, EQUIPMENT],
    [0x38, third << 4],
    [0x39, translations],
    [0x3d, (second << 4) | first],
    ...word(0x5b, (high / UNIT_64K) & 0xffff),
    [0x5d, Math.floor(high / UNIT_64K) >> 16],
    [0x5f, cpus - 1],
  ]);
}

function word(index: number, value: number): [number, number][] {
  return [[index, Math.floor(value) & 0xff], [index + 1, Math.floor(value) >> 8]];
}
