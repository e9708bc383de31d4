/**
 * Guest-physical memory: RAM, ROM and a video card's memory over KVM's memory slots.
 *
 * RAM has the PC's holes: A0000–BFFFF, where a video card shows its memory, and the one below 4 GiB: up to 3 GiB lie from
 * 0, the rest from 4 GiB. Each chunk of at most 1 GiB is one mapping and one slot, numbered in the order they are made.
 * Addresses are guest-physical (GPA). Reads and writes here are the host's: they see ROM as writable, leave no trace in
 * the dirty log, and never reach a device.
 */
import { ramChunks, type MemoryChunk, type MemoryRegion } from './memory-layout.js';
import type { MemoryObserver, MemoryOverlay, WindowListener } from './memory-listeners.js';
import { MemoryWindow } from './memory-window.js';
import type { NativeBinding, NativeMemory, NativeVm } from './native.js';

export { HIGH_RAM_BASE, LOW_RAM_LIMIT, ramLayout, type MemoryChunk, type MemoryRegion } from './memory-layout.js';

const PAGE = 4096;

/** What this needs of the binding and the VM; tests pass their own. */
export type MemoryAllocator = Pick<NativeBinding, 'allocateMemory' | 'constants'>;
export type MemorySlots = Pick<NativeVm, 'setMemorySlot' | 'removeMemorySlot'>;

/** RAM and ROM by guest-physical address. Laying out and `write` throw RangeError; reads come back short instead. */
export class GuestMemory {
  readonly #allocator: MemoryAllocator;
  readonly #vm: MemorySlots;
  #chunks: MemoryChunk[] = [];
  #hostWrites = 0;
  #last: MemoryChunk | undefined;
  #nextSlot = 0;
  /** Mappings of devices, which several windows may show. */
  readonly #deviceMemory: NativeMemory[] = [];
  windowListener: WindowListener | undefined;
  /** Asked where no memory is: a device that shows some there when it is looked for does so and says true. */
  onMissing: ((gpa: number) => boolean) | undefined;
  observer: MemoryObserver | undefined;
  /** What `read`, `peek` and `write` see past; single bytes and words do not. */
  overlay: MemoryOverlay | undefined;
  /** Called before all memory is looked at or put back: a device tells the observer what it has written to its own. */
  onSettle: (() => void) | undefined;

  constructor(allocator: MemoryAllocator, vm: MemorySlots) {
    this.#allocator = allocator;
    this.#vm = vm;
  }

  /** How often something was written from here: by a device, a service, a debugger, not by the guest itself. */
  get hostWrites(): number {
    return this.#hostWrites;
  }

  /** The mappings of RAM, ROM and devices' memory, which stay the same wherever the guest sees them. */
  get mappings(): readonly NativeMemory[] {
    return [...new Set([...this.#chunks.map(({ memory }) => memory), ...this.#deviceMemory])];
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

  /** Lays out `size` bytes of RAM (see `ramLayout`) around the video card's addresses, whose slots come and go while vCPUs run. */
  addRam(size: number): void {
    for (const { start, size: length } of ramChunks(size)) this.#addChunk('ram', start, length);
  }

  /** A read-only slot that holds `bytes`, padded with 0xff to a page. `start` is a multiple of 4096. */
  addRom(start: number, bytes: Uint8Array): void {
    const chunk = this.#addChunk('rom', start, Math.ceil(bytes.length / PAGE) * PAGE);
    chunk.bytes.fill(0xff);
    chunk.bytes.set(bytes);
  }

  /** Memory of a device, zeroed; it is closed and cleared with this. */
  addDeviceMemory(size: number): NativeMemory {
    const memory = this.#allocator.allocateMemory(size);
    this.#deviceMemory.push(memory);
    return memory;
  }

  /** A window of `size` bytes on a device's memory, not shown yet. The guest may write to it unless it is `rom`. */
  addWindow(kind: 'video' | 'rom', memory: NativeMemory, size: number): MemoryWindow {
    const slot = this.#nextSlot++;
    return new MemoryWindow({
      map: (start, offset) => {
        const chunk = this.#map({ kind, start, size, slot, memory }, offset);
        this.windowListener?.shown(chunk);
        return chunk;
      },
      unmap: (chunk) => {
        this.windowListener?.hiding(chunk);
        this.#chunks = this.#chunks.filter((other) => other !== chunk);
        this.#last = undefined;
        this.#vm.removeMemorySlot(slot);
      },
    });
  }

  #addChunk(kind: 'ram' | 'rom', start: number, size: number): MemoryChunk {
    this.#checkRange(start, size);
    const memory = this.#allocator.allocateMemory(size);
    try {
      return this.#map({ kind, start, size, slot: this.#nextSlot++, memory }, 0);
    } catch (error) {
      memory.close();
      throw error;
    }
  }

  #checkRange(start: number, size: number): void {
    if (start % PAGE !== 0 || size <= 0 || start + size > Number.MAX_SAFE_INTEGER) {
      throw new RangeError(`Guest memory at 0x${start.toString(16)} (${size} bytes) is not a run of whole 4 KiB pages.`);
    }
    const clash = this.#chunks.find((other) => start < other.start + other.size && other.start < start + size);
    if (clash !== undefined) {
      throw new RangeError(`Guest memory at 0x${start.toString(16)} overlaps the ${clash.kind.toUpperCase()} at 0x${clash.start.toString(16)}.`);
    }
  }

  /** Gives the guest a chunk, whose bytes are those from `offset` on in its memory. */
  #map({ kind, start, size, slot, memory }: Omit<MemoryChunk, 'bytes' | 'view'>, offset: number): MemoryChunk {
    this.#checkRange(start, size);
    const flags = kind === 'rom' ? this.#allocator.constants['KVM_MEM_READONLY'] ?? 2 : 0;
    this.#vm.setMemorySlot(slot, flags, BigInt(start), memory, offset, size);
    const chunk: MemoryChunk = {
      kind, start, size, slot, memory, bytes: new Uint8Array(memory.buffer, offset, size), view: new DataView(memory.buffer, offset, size),
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
    return this.onMissing?.(address) === true ? this.chunkAt(address) : undefined;
  }

  /** Whether all `length` bytes from `gpa` are memory, and each chunk that has some of them is as wanted. */
  contains(gpa: bigint | number, length = 1, isWanted: (chunk: MemoryChunk) => boolean = () => true): boolean {
    let address = toNumber(gpa);
    const end = address + length;
    do {
      const chunk = this.chunkAt(address);
      if (chunk === undefined || !isWanted(chunk)) return false;
      address = chunk.start + chunk.size;
    } while (address < end);
    return true;
  }

  /** A copy of at most `length` bytes from `gpa`; shorter where memory ends, empty where none is. */
  read(gpa: bigint | number, length: number): Uint8Array {
    const bytes = this.#inOneChunk(gpa, length)?.slice() ?? this.#gather(gpa, length);
    this.overlay?.hide(toNumber(gpa), bytes);
    return bytes;
  }

  /**
   * As `read`, but the memory itself rather than a copy where one chunk has it all and nothing is laid over it: to be looked at
   * at once, and not to be written. A copy of many bytes, which lies in fresh pages of the host's, costs as much as sending them.
   */
  peek(gpa: bigint | number, length: number): Uint8Array {
    if ((this.overlay?.count ?? 0) > 0) return this.read(gpa, length);
    return this.#inOneChunk(gpa, length) ?? this.#gather(gpa, length);
  }

  #inOneChunk(gpa: bigint | number, length: number): Uint8Array | undefined {
    const chunk = this.chunkAt(gpa);
    const start = toNumber(gpa) - (chunk?.start ?? 0);
    return chunk !== undefined && start + length <= chunk.size ? chunk.bytes.subarray(start, start + length) : undefined;
  }

  /** A copy of what lies in several chunks. */
  #gather(gpa: bigint | number, length: number): Uint8Array {
    let address = toNumber(gpa);
    const parts: Uint8Array[] = [];
    let found = 0;
    for (let chunk = this.chunkAt(address); chunk !== undefined && found < length; chunk = this.chunkAt(address)) {
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
    const raw = this.overlay?.covering(address, bytes) ?? bytes;
    for (let offset = 0; offset < raw.length; ) {
      const chunk = this.chunkAt(address)!;
      const part = raw.subarray(offset, offset + chunk.start + chunk.size - address);
      chunk.bytes.set(part, address - chunk.start);
      this.observer?.written(chunk.memory, chunk.bytes.byteOffset + address - chunk.start, part.length);
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
    const at = toNumber(gpa) - chunk.start;
    chunk.bytes[at] = value;
    this.observer?.written(chunk.memory, chunk.bytes.byteOffset + at, 1);
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

  /** All RAM reads as zero again and its pages go back to the host; ROM and devices' memory stay. */
  clear(): void {
    for (const { kind, memory } of this.#chunks) {
      if (kind !== 'ram') continue;
      memory.discard();
      this.observer?.cleared(memory);
    }
  }

  /** Bytes of guest memory that the host holds in its own RAM. */
  hostResident(): number {
    return this.mappings.reduce((sum, memory) => sum + memory.resident(), 0);
  }

  /**
   * Unmaps the memory, once the VM is closed: that takes the slots away without an ioctl, which could fail. Throws while
   * the VM is open. Idempotent.
   */
  close(): void {
    for (const chunk of this.#chunks) chunk.memory.close();
    for (const memory of this.#deviceMemory) memory.close();
    this.#chunks = [];
    this.#last = undefined;
  }
}

/** Addresses past 2^53 hold no memory here; they become one that is surely outside. */
function toNumber(gpa: bigint | number): number {
  if (typeof gpa === 'number') return gpa;
  return gpa >= 0n && gpa <= 0x1f_ffff_ffff_ffffn ? Number(gpa) : Infinity;
}
