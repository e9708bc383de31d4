/** Who has a part in what GuestMemory does. */
import type { MemoryChunk } from './memory-layout.js';
import type { NativeMemory } from './native.js';

/** Told of windows, so that protected pages in them stay so. */
export interface WindowListener {
  /** Its slot is about to go. */
  hiding(chunk: MemoryChunk): void;
  shown(chunk: MemoryChunk): void;
}

/** Told what the host writes, by a mapping and an offset in it. */
export interface MemoryObserver {
  written(memory: NativeMemory, offset: number, length: number): void;
  /** It reads as zero from its first to its last byte. */
  cleared(memory: NativeMemory): void;
}

/** What stands in memory now and is not the guest's: a debugger's patches. Devices neither see it nor write over it. */
export interface MemoryOverlay {
  /** How many bytes of it there are. */
  readonly count: number;
  /** Puts what lies beneath into bytes that were read from a GPA. */
  hide(gpa: number, bytes: Uint8Array): void;
  /** Takes bytes that are written at a GPA beneath what stands there; gives those to write, which may be `bytes` themselves. */
  covering(gpa: number, bytes: Uint8Array): Uint8Array;
}
