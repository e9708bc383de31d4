/**
 * The memory map that a guest was started with, read back from where its boot protocol put it: the zero page (Linux,
 * zero-page.rst), the information of Multiboot 1 (0.6.96, 3.3) and 2 (2.0, 3.6.8), and PVH's start info. It is read as
 * it stands in memory now; a guest that has reused the place may have left anything there.
 */
import type { BootKind, LoadedGuest } from './boot-options.js';

export interface ReadMapEntry {
  /** GPA. */
  readonly start: bigint;
  /** In bytes. */
  readonly size: bigint;
  /** As E820 numbers them (ACPI 6.5, table 15.4). */
  readonly type: number;
}

export interface ReadMemoryMap {
  /** Where it was found: `the zero page at 0x90000`. */
  readonly place: string;
  readonly entries: readonly ReadMapEntry[];
}

/** Short where memory ends; `GuestMemory` fits. */
export interface MemoryReader {
  read(gpa: number | bigint, length: number): Uint8Array;
}

const MOST_ENTRIES = 128;
const ZERO_PAGE = { size: 4096, count: 0x1e8, table: 0x2d0, entry: 20 } as const;
const MULTIBOOT1 = { flags: 0, hasMap: 1 << 6, length: 44, address: 48 } as const;
const MULTIBOOT2 = { mapTag: 6, most: 1 << 16 } as const;
const START_INFO = { size: 56, mapAddress: 40, mapCount: 48, entry: 24 } as const;

/** By the protocol; undefined for one without a map, or where the structure cannot be read. */
export function readMemoryMap(guest: Pick<LoadedGuest, 'kind' | 'cpu' | 'needsBios'>, memory: MemoryReader): ReadMemoryMap | undefined {
  const { rsi, rbx } = guest.cpu.regs;
  const readers: Partial<Record<BootKind, () => ReadMemoryMap | undefined>> = {
    linux: () => (guest.needsBios === true ? undefined : zeroPage(memory, rsi)),
    multiboot: () => multiboot1(memory, rbx),
    multiboot2: () => multiboot2(memory, rbx),
    pvh: () => startInfo(memory, rbx),
  };
  return readers[guest.kind]?.();
}

function zeroPage(memory: MemoryReader, address: bigint): ReadMemoryMap | undefined {
  const page = memory.read(address, ZERO_PAGE.size);
  if (page.length < ZERO_PAGE.size) return undefined;
  const entries = entriesOf(page.subarray(ZERO_PAGE.table), page[ZERO_PAGE.count], ZERO_PAGE.entry);
  return { place: `the zero page at 0x${address.toString(16)}`, entries };
}

function multiboot1(memory: MemoryReader, address: bigint): ReadMemoryMap | undefined {
  const info = viewOf(memory.read(address, 52));
  if (info.byteLength < 52 || (info.getUint32(MULTIBOOT1.flags, true) & MULTIBOOT1.hasMap) === 0) return undefined;
  const map = memory.read(info.getUint32(MULTIBOOT1.address, true), Math.min(info.getUint32(MULTIBOOT1.length, true), 24 * MOST_ENTRIES));
  const view = viewOf(map);
  const entries: ReadMapEntry[] = [];
  for (let at = 0; at + 24 <= map.length;) {
    entries.push(...entriesOf(map.subarray(at + 4), 1, 20));
    // The size field does not count itself.
    at += Math.max(20, view.getUint32(at, true)) + 4;
  }
  return { place: `the Multiboot information at 0x${address.toString(16)}`, entries };
}

function multiboot2(memory: MemoryReader, address: bigint): ReadMemoryMap | undefined {
  const head = viewOf(memory.read(address, 8));
  if (head.byteLength < 8) return undefined;
  const bytes = memory.read(address, Math.min(head.getUint32(0, true), MULTIBOOT2.most));
  const view = viewOf(bytes);
  for (let at = 8; at + 16 <= bytes.length;) {
    const [type, size] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
    const entrySize = view.getUint32(at + 8, true);
    if (type === MULTIBOOT2.mapTag && entrySize >= 24) {
      const entries = entriesOf(bytes.subarray(at + 16, at + size), Math.floor((size - 16) / entrySize), entrySize);
      return { place: `the Multiboot 2 information at 0x${address.toString(16)}`, entries };
    }
    if (size < 8) return undefined;
    at += Math.ceil(size / 8) * 8;
  }
  return undefined;
}

function startInfo(memory: MemoryReader, address: bigint): ReadMemoryMap | undefined {
  const info = viewOf(memory.read(address, START_INFO.size));
  if (info.byteLength < START_INFO.size) return undefined;
  const count = Math.min(info.getUint32(START_INFO.mapCount, true), MOST_ENTRIES);
  const map = memory.read(info.getBigUint64(START_INFO.mapAddress, true), count * START_INFO.entry);
  return { place: `the PVH start info at 0x${address.toString(16)}`, entries: entriesOf(map, count, START_INFO.entry) };
}

/** `count` entries that begin with address, length and type (8, 8 and 4 bytes), as far as there are bytes. */
export function entriesOf(bytes: Uint8Array, count: number, entrySize: number): ReadMapEntry[] {
  const view = viewOf(bytes);
  const entries: ReadMapEntry[] = [];
  for (let i = 0; i < Math.min(count, MOST_ENTRIES) && i * entrySize + 20 <= bytes.length; i++) {
    const at = i * entrySize;
    entries.push({ start: view.getBigUint64(at, true), size: view.getBigUint64(at + 8, true), type: view.getUint32(at + 16, true) });
  }
  return entries;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
