/** What a boot loader of ours leaves in low memory for a guest that starts in protected or long mode. */
import { formatRange, type MemoryWrite } from './boot-options.js';
import { SELECTORS, gdt, gdtSize } from './cpu-modes.js';
import type { PageTables } from './page-tables.js';
import type { Placement } from './placement.js';

const STACK_SIZE = 16 * 1024;

interface Placed {
  /** GPA. */
  readonly address: number;
  readonly write: MemoryWrite;
}

/** A GDT with flat segments; adds a sentence to `notes`. */
export function placeGdt(placement: Placement, code: 32 | 64, notes: string[], selectors = SELECTORS): Placed {
  const size = gdtSize(selectors);
  const address = placement.placeLow('the GDT', size);
  notes.push(`a GDT with flat segments is at ${formatRange(address, size)}`);
  return { address, write: gdt(address, code, selectors) };
}

/** Page tables; adds a sentence to `notes`. */
export function placePageTables(placement: Placement, tables: PageTables, notes: string[]): Placed {
  const address = placement.placeLow('the page tables', tables.size);
  notes.push(`page tables are at ${formatRange(address, tables.size)}`);
  return { address, write: { address: BigInt(address), bytes: tables.bytes(address) } };
}

/** A small stack, so that the first `call` works; returns its top, 16-byte aligned as a caller leaves it. */
export function placeStack(placement: Placement, notes: string[]): bigint {
  const address = placement.placeLow('the stack', STACK_SIZE);
  notes.push(`a stack is at ${formatRange(address, STACK_SIZE)}`);
  return BigInt(address + STACK_SIZE);
}
