/** The memory map a boot loader hands to a kernel, as firmware would report it (ACPI 6.5, 15.3: E820). */
import type { MemoryRegion } from '../guest-memory.js';

export const E820_RAM = 1;
export const E820_RESERVED = 2;

export interface MemoryMapEntry {
  /** GPA. */
  readonly start: number;
  /** In bytes. */
  readonly size: number;
  readonly type: typeof E820_RAM | typeof E820_RESERVED;
}

/** Where the extended BIOS data area begins on a PC, and where the legacy hole ends. */
export const LOW_MEMORY_END = 0x9_fc00;
export const HIGH_MEMORY_START = 0x10_0000;

/** RAM without the part between 639 KiB and 1 MiB, which software expects to be firmware's and the video card's. */
export function memoryMap(ram: readonly MemoryRegion[]): MemoryMapEntry[] {
  const entries: MemoryMapEntry[] = [];
  for (const { start, size } of ram) {
    if (start !== 0) {
      entries.push({ start, size, type: E820_RAM });
      continue;
    }
    entries.push({ start: 0, size: LOW_MEMORY_END, type: E820_RAM });
    entries.push({ start: LOW_MEMORY_END, size: HIGH_MEMORY_START - LOW_MEMORY_END, type: E820_RESERVED });
    if (size > HIGH_MEMORY_START) entries.push({ start: HIGH_MEMORY_START, size: size - HIGH_MEMORY_START, type: E820_RAM });
  }
  return entries;
}
