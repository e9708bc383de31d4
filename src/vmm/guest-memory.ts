/**
 * Guest-physical memory: RAM and ROM over KVM's memory slots.
 *
 * RAM has the PC's hole below 4 GiB: up to 3 GiB lie from 0, the rest from 4 GiB. Each chunk of at most 1 GiB is one
 * mapping and one slot, numbered in the order they are made. Addresses are guest-physical (GPA). Reads and writes
 * here are the host's: they see ROM as writable, leave no trace in the dirty log, and never reach a device.
 */
import type { NativeBinding, NativeMemory, NativeVm } from './native.js';
import { GIBIBYTE } from './memory-size.js';

/** End of RAM below 4 GiB; the device hole is from here to 4 GiB. */
export const LOW_RAM_LIMIT = 3 * GIBIBYTE;
export const HIGH_RAM_BASE = 4 * GIBIBYTE;
const CHUNK_LIMIT = GIBIBYTE;
const PAGE = 4096;

export interface MemoryRegion {
  readonly kind: 'ram' | 'rom';
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

/** What this needs of the binding and the VM; tests pass their own. */
export type MemoryAllocator = Pick<NativeBinding, 'allocateMemory' | 'constants'>;
export type MemorySlots = Pick<NativeVm, 'setMemorySlot'>;

/** Where `size` bytes of RAM lie: one region below the hole and, when there is more, one from 4 GiB. */
export function ramLayout(size: number): MemoryRegion[] {
  const low: MemoryRegion = { kind: 'ram', start: 0, size: Math.min(size, LOW_RAM_LIMIT) };
  if (size <= LOW_RAM_LIMIT) return [low];
  return [low, { kind: 'ram', start: HIGH_RAM_BASE, size: size - LOW_RAM_LIMIT }];
}

/** RAM and ROM by guest-physical address. Laying out and `write` throw RangeError; reads come back short instead. */
export class GuestMemory {
  readonly #allocator: MemoryAllocator;
  readonly #vm: MemorySlots;
  #chunks: MemoryChunk[] = [];
  #hostWrites = 0;
  #last: MemoryChunk | undefined;

  constructor(allocator: MemoryAllocator, vm: MemorySlots) {
    this.#allocator = allocator;
    this.#vm = vm;
  }

  /** How often something was written from here: by a device, a service, a debugger, not by the guest itself. */
  get hostWrites(): number {
    return this.#hostWrites;
  }

  /** Every slot in the order of its address. */
  get chunks(): readonly MemoryChunk[] {
    return this.#chunks;
  }

  /** RAM and ROM as the guest sees them, neighbours joined, in the order of their addresses. */
  get regions(): readonly MemoryRegion[] {
    const regions: MemoryRegion[] = [];
    for (const { kind, start, size } of this.#chunks) {
      const previous = regions.at(-1);
      if (previous !== undefined && previous.kind === kind && previous.start + previous.size === start) {
        regions[regions.length - 1] = { kind, start: previous.start, size: previous.size + size };
      } else {
        regions.push({ kind, start, size });
      }
    }
    return regions;
  }

  /** Lays out `size` bytes of RAM (see `ramLayout`). */
  addRam(size: number): void {
    for (const region of ramLayout(size)) {
      for (let offset = 0; offset < region.size; offset += CHUNK_LIMIT) {
        this.#addChunk('ram', region.start + offset, Math.min(CHUNK_LIMIT, region.size - offset));
      }
    }
  }

  /** A read-only slot that holds `bytes`, padded with 0xff to a page. `start` is a multiple of 4096. */
  addRom(start: number, bytes: Uint8Array): void {
    const chunk = this.#addChunk('rom', start, Math.ceil(bytes.length / PAGE) * PAGE);
    chunk.bytes.fill(0xff);
    chunk.bytes.set(bytes);
  }

  #addChunk(kind: 'ram' | 'rom', start: number, size: number): MemoryChunk {
    if (start % PAGE !== 0 || size <= 0 || start + size > Number.MAX_SAFE_INTEGER) {
      throw new RangeError(`Guest memory at 0x${start.toString(16)} (${size} bytes) is not a run of whole 4 KiB pages.`);
    }
    const clash = this.#chunks.find((other) => start < other.start + other.size && other.start < start + size);
    if (clash !== undefined) {
      throw new RangeError(`Guest memory at 0x${start.toString(16)} overlaps the ${clash.kind.toUpperCase()} at 0x${clash.start.toString(16)}.`);
    }
    const memory = this.#allocator.allocateMemory(size);
    const slot = this.#chunks.length;
    const flags = kind === 'rom' ? this.#allocator.constants['KVM_MEM_READONLY'] ?? 2 : 0;
    try {
      this.#vm.setMemorySlot(slot, flags, BigInt(start), memory, 0, size);
    } catch (error) {
      memory.close();
      throw error;
    }
    const chunk: MemoryChunk = {
      kind, start, size, slot, memory, bytes: new Uint8Array(memory.buffer, 0, size), view: new DataView(memory.buffer, 0, size),
    };
    this.#chunks = [...this.#chunks, chunk].sort((a, b) => a.start - b.start);
    return chunk;
  }

  /** The chunk that holds the byte at `gpa`. */
  chunkAt(gpa: bigint | number): MemoryChunk | undefined {
    const address = toNumber(gpa);
    const last = this.#last;
    if (last !== undefined && address >= last.start && address < last.start + last.size) return last;
    for (const chunk of this.#chunks) {
      if (address >= chunk.start && address < chunk.start + chunk.size) return (this.#last = chunk);
    }
    return undefined;
  }

  /** Whether all `length` bytes from `gpa` are memory. */
  contains(gpa: bigint | number, length = 1): boolean {
    let address = toNumber(gpa);
    const end = address + length;
    do {
      const chunk = this.chunkAt(address);
      if (chunk === undefined) return false;
      address = chunk.start + chunk.size;
    } while (address < end);
    return true;
  }

  /** A copy of at most `length` bytes from `gpa`; shorter where memory ends, empty where none is. */
  read(gpa: bigint | number, length: number): Uint8Array {
    let address = toNumber(gpa);
    const first = this.chunkAt(address);
    if (first === undefined) return new Uint8Array(0);
    const start = address - first.start;
    if (start + length <= first.size) return first.bytes.slice(start, start + length);
    const parts: Uint8Array[] = [];
    let found = 0;
    for (let chunk: MemoryChunk | undefined = first; chunk !== undefined && found < length; chunk = this.chunkAt(address)) {
      const part = chunk.bytes.subarray(address - chunk.start, address - chunk.start + length - found);
      parts.push(part);
      found += part.length;
      address += part.length;
    }
    const result = new Uint8Array(found);
    let offset = 0;
    for (const part of parts) {
      result.set(part, offset);
      offset += part.length;
    }
    return result;
  }

  /** Writes all of `bytes` at `gpa`, or nothing and throws RangeError when some of it is not memory. */
  write(gpa: bigint | number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#hostWrites++;
    let address = toNumber(gpa);
    if (!this.contains(address, bytes.length)) {
      throw new RangeError(`There is no guest memory at all of 0x${gpa.toString(16)} to 0x${(BigInt(gpa) + BigInt(bytes.length) - 1n).toString(16)}.`);
    }
    for (let offset = 0; offset < bytes.length; ) {
      const chunk = this.chunkAt(address)!;
      const part = bytes.subarray(offset, offset + chunk.start + chunk.size - address);
      chunk.bytes.set(part, address - chunk.start);
      offset += part.length;
      address += part.length;
    }
  }

  /** The byte at `gpa`, undefined where no memory is. */
  readByte(gpa: bigint | number): number | undefined {
    const chunk = this.chunkAt(gpa);
    return chunk?.bytes[toNumber(gpa) - chunk.start];
  }

  /** Returns false where no memory is. */
  writeByte(gpa: bigint | number, value: number): boolean {
    const chunk = this.chunkAt(gpa);
    if (chunk === undefined) return false;
    this.#hostWrites++;
    chunk.bytes[toNumber(gpa) - chunk.start] = value;
    return true;
  }

  /** The little-endian 32-bit word at `gpa`, for page walks; undefined unless one chunk holds all of it. */
  read32(gpa: bigint | number): number | undefined {
    const chunk = this.chunkAt(gpa);
    if (chunk === undefined) return undefined;
    const offset = toNumber(gpa) - chunk.start;
    return offset + 4 <= chunk.size ? chunk.view.getUint32(offset, true) : undefined;
  }

  /** The little-endian 64-bit word at `gpa`, for page walks; undefined unless one chunk holds all of it. */
  read64(gpa: bigint | number): bigint | undefined {
    const chunk = this.chunkAt(gpa);
    if (chunk === undefined) return undefined;
    const offset = toNumber(gpa) - chunk.start;
    return offset + 8 <= chunk.size ? chunk.view.getBigUint64(offset, true) : undefined;
  }

  /** All RAM reads as zero again and its pages go back to the host; ROM stays. */
  clear(): void {
    for (const chunk of this.#chunks) if (chunk.kind === 'ram') chunk.memory.discard();
  }

  /** Bytes of guest memory that the host holds in its own RAM. */
  hostResident(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.memory.resident(), 0);
  }

  /**
   * Unmaps the memory, once the VM is closed: that takes the slots away without an ioctl, which could fail. Throws while
   * the VM is open. Idempotent.
   */
  close(): void {
    for (const chunk of this.#chunks) chunk.memory.close();
    this.#chunks = [];
    this.#last = undefined;
  }
}

/** Addresses past 2^53 hold no memory here; they become one that is surely outside. */
function toNumber(gpa: bigint | number): number {
  if (typeof gpa === 'number') return gpa;
  return gpa >= 0n && gpa <= 0x1f_ffff_ffff_ffffn ? Number(gpa) : Infinity;
}
