/** Guest-physical memory as a device reaches it by DMA: RAM and what a video card shows, no ROM. */
import type { GuestMemory } from './guest-memory.js';
import { isWritable } from './memory-layout.js';

export interface BusMasterMemory {
  /** Whether a device may read and write all `length` bytes from `gpa`. */
  contains(gpa: number | bigint, length: number): boolean;
  /** A copy of `length` bytes, empty where not all of them can be reached. */
  read(gpa: number | bigint, length: number): Uint8Array;
  /** All of `bytes`, or nothing where not all of them can be reached. */
  write(gpa: number | bigint, bytes: Uint8Array): void;
}

export function busMaster(memory: GuestMemory): BusMasterMemory {
  const contains = (gpa: number | bigint, length: number): boolean => memory.contains(gpa, length, isWritable);
  return {
    contains,
    read: (gpa, length) => (contains(gpa, length) ? memory.read(gpa, length) : new Uint8Array(0)),
    write: (gpa, bytes) => { if (contains(gpa, bytes.length)) memory.write(gpa, bytes); },
  };
}
