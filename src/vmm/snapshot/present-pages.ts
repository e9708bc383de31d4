/** Which pages of guest memory were ever touched: what the kernel has a page for, in RAM or swapped out (Linux, Documentation/admin-guide/mm/pagemap.rst). */
import { closeSync, openSync, readSync } from 'node:fs';
import type { NativeMemory } from '../native.js';
import { PAGE_SIZE, PageSet } from './page-set.js';

const ENTRY_SIZE = 8;
/** Of an entry's top byte: swapped out, present. */
const HAS_PAGE = 0xc0;
const ENTRIES_AT_ONCE = 8192;

/** All pages where the kernel does not say. */
export function presentPages(memory: NativeMemory): PageSet {
  const pages = memory.size / PAGE_SIZE;
  const present = new PageSet(pages);
  let descriptor: number | undefined;
  try {
    descriptor = openSync('/proc/self/pagemap', 'r');
    const entries = Buffer.alloc(ENTRIES_AT_ONCE * ENTRY_SIZE);
    for (let first = 0; first < pages; first += ENTRIES_AT_ONCE) {
      const count = Math.min(ENTRIES_AT_ONCE, pages - first);
      const position = (memory.hostAddress / BigInt(PAGE_SIZE) + BigInt(first)) * BigInt(ENTRY_SIZE);
      if (readSync(descriptor, entries, 0, count * ENTRY_SIZE, position) !== count * ENTRY_SIZE) throw new Error('short');
      for (let i = 0; i < count; i++) if ((entries[i * ENTRY_SIZE + 7] & HAS_PAGE) !== 0) present.add(first + i);
    }
  } catch {
    present.addRange(0, pages - 1);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
  return present;
}
