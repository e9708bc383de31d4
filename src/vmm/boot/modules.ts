/** Boot modules: whole files that lie page-aligned behind the kernel. */
import { formatRange, type BootModule, type MemoryWrite } from './boot-options.js';
import type { Placement } from './placement.js';

export interface PlacedModule {
  readonly text: string;
  /** GPA of the first byte. */
  readonly start: number;
  /** In bytes. */
  readonly size: number;
}

/** Finds room for each module, adds its bytes to `writes` and a sentence to `notes`. */
export function placeModules(modules: readonly BootModule[], placement: Placement, writes: MemoryWrite[], notes: string[]): PlacedModule[] {
  return modules.map(({ text, bytes }) => {
    const start = placement.placeHigh(`the module "${text}"`, Math.max(bytes.length, 1));
    writes.push({ address: BigInt(start), bytes });
    notes.push(`module "${text}" is at ${formatRange(start, Math.max(bytes.length, 1))}`);
    return { text, start, size: bytes.length };
  });
}
