/** Where memory lies in a PC's guest-physical address space. */
import type { NativeMemory } from './native.js';
import { GIBIBYTE } from './memory-size.js';

/** End of RAM below 4 GiB; the device hole is from here to 4 GiB. */
export const LOW_RAM_LIMIT = 3 * GIBIBYTE;
export const HIGH_RAM_BASE = 4 * GIBIBYTE;
/** Where a PC's video card shows its memory. */
export const VIDEO_START = 0xa_0000;
export const VIDEO_END = 0xc_0000;
const CHUNK_LIMIT = GIBIBYTE;

export interface MemoryRegion {
  /** `video`: a video card's memory, which comes, goes and moves as the card's registers say. */
  readonly kind: 'ram' | 'rom' | 'video';
  /** GPA of the first byte. */
  readonly start: number;
  /** In bytes. */
  readonly size: number;
}

/** One memory slot and the bytes behind it. */
export interface MemoryChunk extends MemoryRegion {
  readonly slot: number;
  readonly memory: NativeMemory;
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Where a machine's `size` bytes of RAM count: one region below the hole and, when there is more, one from 4 GiB. */
export function ramLayout(size: number): MemoryRegion[] {
  const low: MemoryRegion = { kind: 'ram', start: 0, size: Math.min(size, LOW_RAM_LIMIT) };
  if (size <= LOW_RAM_LIMIT) return [low];
  return [low, { kind: 'ram', start: HIGH_RAM_BASE, size: size - LOW_RAM_LIMIT }];
}

/**
 * The same in memory slots of at most 1 GiB, without the video card's addresses: their slots come and go while other
 * vCPUs run, which those of RAM must not.
 */
export function ramChunks(size: number): Pick<MemoryRegion, 'start' | 'size'>[] {
  return ramLayout(size).flatMap(({ start, size: length }) => {
    const end = start + length;
    const cuts = [start, VIDEO_START, VIDEO_END];
    for (let cut = start + CHUNK_LIMIT; cut < end; cut += CHUNK_LIMIT) cuts.push(cut);
    const begins = cuts.filter((cut) => cut >= start && cut < end);
    return begins
      .map((from, i) => ({ start: from, size: (begins[i + 1] ?? end) - from }))
      .filter(({ start: from }) => from !== VIDEO_START);
  });
}

/** Memory that the guest can write: RAM, or what a video card shows of its own. */
export function isWritable(chunk: MemoryChunk | undefined): chunk is MemoryChunk {
  return chunk !== undefined && chunk.kind !== 'rom';
}
