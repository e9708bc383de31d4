/**
 * RAM pages whose writes come to user space: each run of them is a read-only memory slot of its own, so that a write
 * exits as MMIO with its data while reads, fetches and the rest of RAM run at full speed (KVM api.rst,
 * KVM_SET_USER_MEMORY_REGION, KVM_MEM_READONLY; docs/decisions/0011-read-only-pages.md).
 */
import type { GuestMemory, MemoryChunk } from './guest-memory.js';
import type { WindowListener } from './memory-listeners.js';
import type { NativeVm } from './native.js';

export const PAGE_SIZE = 4096;
/** Slots below are those of whole chunks of RAM and ROM. */
const FIRST_SLOT = 256;
/** KVM_CAP_NR_MEMSLOTS of kernels that do not say. */
const DEFAULT_SLOTS = 509;

type Slots = Pick<NativeVm, 'setMemorySlot' | 'removeMemorySlot'>;

interface Piece {
  /** In bytes from the start of the chunk. */
  readonly offset: number;
  readonly size: number;
  readonly readOnly: boolean;
}

/** The first byte of the 4 KiB page of a GPA. */
export function pageOf(gpa: number): number {
  return gpa - (gpa % PAGE_SIZE);
}

export class WriteProtection implements WindowListener {
  #pages: ReadonlySet<number> = new Set();
  /** Pages that shall be protected where no memory is now. */
  #absent: ReadonlySet<number> = new Set();
  /** Slots that stand instead of a chunk's own, by the chunk. */
  readonly #split = new Map<MemoryChunk, readonly number[]>();
  #free: number[] = [];
  #next = FIRST_SLOT;

  /** `slotLimit`: KVM_CHECK_EXTENSION(KVM_CAP_NR_MEMSLOTS), 0 where the kernel does not say. */
  constructor(private readonly vm: Slots, private readonly memory: GuestMemory, private readonly readOnlyFlag: number, private readonly slotLimit: number) {
    memory.windowListener = this;
  }

  /** GPAs of the first bytes of the protected pages. */
  get pages(): ReadonlySet<number> {
    return this.#pages;
  }

  /** Whether the byte at a GPA lies in a protected page. */
  has(gpa: number): boolean {
    return this.#pages.has(pageOf(gpa));
  }

  /**
   * Protects exactly these pages (GPAs of their first bytes); those in ROM are left out, those where no memory is come to
   * be protected when a video card shows some there. No vCPU may be running: for a moment the memory around them is not
   * there. Where nothing changes, nothing is done.
   *
   * @throws RangeError when that takes more memory slots than KVM has, having changed nothing; NativeError when KVM
   *   refuses one, and then nothing is protected.
   */
  set(pages: Iterable<number>): void {
    const wanted = new Set<number>();
    const absent = new Set<number>();
    for (const page of pages) {
      const kind = this.memory.chunkAt(page)?.kind;
      if (kind === undefined) absent.add(page);
      else if (kind !== 'rom') wanted.add(page);
    }
    this.#absent = absent;
    if (wanted.size === this.#pages.size && [...wanted].every((page) => this.#pages.has(page))) return;
    this.#checkRoom(wanted);
    const before = this.#pages;
    this.#pages = wanted;
    try {
      for (const chunk of this.memory.chunks) {
        if (chunk.kind === 'rom') continue;
        const now = pagesIn(chunk, wanted);
        const then = pagesIn(chunk, before);
        if (now.length === then.length && now.every((page, i) => page === then[i])) continue;
        this.#layOut(chunk, now);
      }
    } catch (error) {
      this.#pages = new Set();
      for (const chunk of [...this.#split.keys()]) this.#layOut(chunk, []);
      throw error;
    }
  }

  /** Its pages are protected again when it is shown again. */
  hiding(chunk: MemoryChunk): void {
    const gone = pagesIn(chunk, this.#pages);
    if (gone.length === 0) return;
    this.#absent = new Set([...this.#absent, ...gone]);
    this.#pages = new Set([...this.#pages].filter((page) => !gone.includes(page)));
    this.#layOut(chunk, []);
  }

  shown(chunk: MemoryChunk): void {
    const back = pagesIn(chunk, this.#absent);
    if (back.length > 0) this.set([...this.#pages, ...this.#absent]);
  }

  #checkRoom(pages: ReadonlySet<number>): void {
    const room = (this.slotLimit > 0 ? this.slotLimit : DEFAULT_SLOTS) - FIRST_SLOT;
    const needed = this.memory.chunks.reduce((sum, chunk) => sum + piecesOf(chunk, pagesIn(chunk, pages)).length, 0);
    if (needed > room) throw new RangeError(`KVM has ${room} memory slots for watched pages here, and ${needed} would be needed; remove some watchpoints.`);
  }

  #layOut(chunk: MemoryChunk, pages: readonly number[]): void {
    this.#removeSlots(chunk);
    if (pages.length === 0) return this.#whole(chunk);
    const slots: number[] = [];
    this.#split.set(chunk, slots);
    for (const { offset, size, readOnly } of piecesOf(chunk, pages)) {
      const slot = this.#free.pop() ?? this.#next++;
      this.vm.setMemorySlot(slot, readOnly ? this.readOnlyFlag : 0, BigInt(chunk.start + offset), chunk.memory, offset, size);
      slots.push(slot);
    }
  }

  #whole(chunk: MemoryChunk): void {
    this.vm.setMemorySlot(chunk.slot, 0, BigInt(chunk.start), chunk.memory, 0, chunk.size);
  }

  /** Whatever slots a chunk has now. */
  #removeSlots(chunk: MemoryChunk): void {
    const split = this.#split.get(chunk);
    if (split === undefined) return this.vm.removeMemorySlot(chunk.slot);
    for (const slot of split) this.vm.removeMemorySlot(slot);
    this.#free = [...this.#free, ...split];
    this.#split.delete(chunk);
  }
}

/** Those of the pages that lie in a chunk, ascending. */
function pagesIn(chunk: MemoryChunk, pages: ReadonlySet<number>): number[] {
  return [...pages].filter((page) => page >= chunk.start && page < chunk.start + chunk.size).sort((a, b) => a - b);
}

/** A chunk cut at the protected pages; neighbouring ones are one piece. */
function piecesOf(chunk: MemoryChunk, pages: readonly number[]): Piece[] {
  const pieces: Piece[] = [];
  let done = 0;
  for (let i = 0; i < pages.length; ) {
    const offset = pages[i] - chunk.start;
    if (offset > done) pieces.push({ offset: done, size: offset - done, readOnly: false });
    let end = offset;
    for (; i < pages.length && pages[i] - chunk.start === end; i++) end += PAGE_SIZE;
    pieces.push({ offset, size: end - offset, readOnly: true });
    done = end;
  }
  if (done < chunk.size) pieces.push({ offset: done, size: chunk.size - done, readOnly: false });
  return pieces;
}
