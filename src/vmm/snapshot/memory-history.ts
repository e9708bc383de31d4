/**
 * Images of all guest memory: made and put back at the cost of what has changed since the last one. What the guest writes
 * comes from KVM's dirty log, what the host writes (devices, loaders, a debugger) from GuestMemory.
 */
import type { GuestMemory } from '../guest-memory.js';
import type { MemorySlots } from '../memory-slots.js';
import type { NativeMemory } from '../native.js';
import { MemoryImage } from './memory-image.js';
import { PAGE_SIZE, PageSet } from './page-set.js';
import { presentPages } from './present-pages.js';

/** The image of each memory. */
export type GuestMemoryImage = ReadonlyMap<NativeMemory, MemoryImage>;

interface Tracked {
  readonly bytes: Uint8Array;
  /** Pages written since `base` was true. */
  readonly changed: PageSet;
  base: MemoryImage;
}

export class MemoryHistory {
  readonly #memory: GuestMemory;
  readonly #slots: MemorySlots;
  #tracked: ReadonlyMap<NativeMemory, Tracked> | undefined;

  constructor(memory: GuestMemory, slots: MemorySlots) {
    this.#memory = memory;
    this.#slots = slots;
  }

  /** Bytes that differ from the image that was made or put back last: what `save` will copy; of a first one, all that was touched. */
  changedBytes(): number {
    const tracked = this.#settled();
    return [...tracked.values()].reduce((sum, { changed }) => sum + changed.size, 0) * PAGE_SIZE;
  }

  /** The first one begins the tracking. No vCPU may be running. Throws RangeError when there is no memory for the copies. */
  save(): GuestMemoryImage {
    const tracked = this.#settled();
    const images = new Map([...tracked].map(([memory, { base, changed, bytes }]) => [memory, base.changedBy(changed, bytes)]));
    for (const [memory, image] of images) settle(tracked.get(memory)!, image);
    return images;
  }

  /** Returns how many bytes were written. No vCPU may be running. */
  load(images: GuestMemoryImage): number {
    const tracked = this.#settled();
    let pages = 0;
    for (const [memory, image] of images) {
      const now = tracked.get(memory)!;
      pages += image.putInto(now.bytes, now.base, now.changed);
      settle(now, image);
    }
    // The host's writes went past KVM: page tables among them would not be seen where it shadows them.
    this.#slots.renew();
    return pages * PAGE_SIZE;
  }

  /** What was written until now is in the sets of changed pages. */
  #settled(): ReadonlyMap<NativeMemory, Tracked> {
    const tracked = this.#track();
    this.#memory.onSettle?.();
    this.#slots.collect();
    return tracked;
  }

  #track(): ReadonlyMap<NativeMemory, Tracked> {
    if (this.#tracked !== undefined) return this.#tracked;
    const tracked = new Map(this.#memory.mappings.map((memory) => {
      const pages = memory.size / PAGE_SIZE;
      return [memory, { bytes: new Uint8Array(memory.buffer), base: MemoryImage.empty(pages), changed: new PageSet(pages) }];
    }));
    this.#slots.startLogging((memory, offset, bits) => tracked.get(memory)?.changed.addBits(offset / PAGE_SIZE, bits));
    this.#memory.observer = {
      written: (memory, offset, length) => tracked.get(memory)?.changed.addRange(Math.floor(offset / PAGE_SIZE), Math.floor((offset + length - 1) / PAGE_SIZE)),
      cleared: (memory) => {
        // What KVM has logged of it is of no interest any more.
        this.#slots.collect();
        settle(tracked.get(memory)!, MemoryImage.empty(memory.size / PAGE_SIZE));
      },
    };
    for (const [memory, { changed }] of tracked) presentPages(memory).forEachRun((first, count) => changed.addRange(first, first + count - 1));
    this.#tracked = tracked;
    return tracked;
  }
}

function settle(tracked: Tracked, image: MemoryImage): void {
  tracked.base = image;
  tracked.changed.clear();
}

/** Bytes of copies that these images hold together. */
export function heldBytes(images: readonly GuestMemoryImage[]): number {
  const slabs = new Set<Uint8Array>();
  for (const image of images) for (const part of image.values()) part.collectSlabs(slabs);
  return [...slabs].reduce((sum, { length }) => sum + length, 0);
}
