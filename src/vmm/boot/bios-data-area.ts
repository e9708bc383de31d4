/** What firmware leaves in the BIOS data area about memory, for real-mode code that looks there without asking. */
import { LOW_MEMORY_END } from './memory-map.js';
import type { MemoryWrite } from './boot-options.js';

/** Segment of the extended BIOS data area; KiB of conventional memory, which INT 12h returns. */
const EBDA_SEGMENT = 0x40e, MEMORY_SIZE = 0x413;

/** Both end conventional memory at `LOW_MEMORY_END`, as the memory map does. */
export function biosDataArea(): MemoryWrite[] {
  const word = (address: number, value: number): MemoryWrite => ({ address: BigInt(address), bytes: Uint8Array.of(value & 0xff, value >> 8) });
  return [word(EBDA_SEGMENT, LOW_MEMORY_END >> 4), word(MEMORY_SIZE, LOW_MEMORY_END / 1024)];
}
