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
/** Boot order: hard disk, CD-ROM, floppy, as nibbles from the first on (SeaBIOS, without `bootorder`). */
const BOOT_HARD_DISK = 2, BOOT_CDROM = 3, BOOT_FLOPPY = 1;

/** The bytes by their index. `translations`: how INT 13h is to number the disks' sectors, two bits a drive. */
export function cmosContents(ram: readonly MemoryRegion[], cpus: number, translations = 0): ReadonlyMap<number, number> {
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
    [0x38, BOOT_FLOPPY << 4],
    [0x39, translations],
    [0x3d, (BOOT_CDROM << 4) | BOOT_HARD_DISK],
    ...word(0x5b, (high / UNIT_64K) & 0xffff),
    [0x5d, Math.floor(high / UNIT_64K) >> 16],
    [0x5f, cpus - 1],
  ]);
}

function word(index: number, value: number): [number, number][] {
  return [[index, Math.floor(value) & 0xff], [index + 1, Math.floor(value) >> 8]];
}
