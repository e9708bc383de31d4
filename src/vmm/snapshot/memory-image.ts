/**
 * What a memory held at one moment: a reference to each page's copy, in blocks that images share where they are equal, so that
 * an image costs what differs from the one it was made from. A page without a copy is zero.
 */
import { PAGE_SIZE, type PageSet } from './page-set.js';

/** Pages in a block: 2 MiB. */
const BLOCK_PAGES = 512;

/** The `index`-th page of a slab of copies. */
interface PageCopy {
  readonly slab: Uint8Array;
  readonly index: number;
}

type Block = readonly (PageCopy | undefined)[];

export class MemoryImage {
  readonly #blocks: readonly (Block | undefined)[];

  private constructor(blocks: readonly (Block | undefined)[]) {
    this.#blocks = blocks;
  }

  /** Zeros. */
  static empty(pages: number): MemoryImage {
    return new MemoryImage(new Array<undefined>(Math.ceil(pages / BLOCK_PAGES)).fill(undefined));
  }

  /** This image but for the `changed` pages, which are copied from `bytes`. Throws RangeError when there is no memory for them. */
  changedBy(changed: PageSet, bytes: Uint8Array): MemoryImage {
    const slab = Buffer.allocUnsafeSlow(changed.size * PAGE_SIZE);
    const blocks = [...this.#blocks];
    const own = new Set<number>();
    let index = 0;
    changed.forEachRun((first, count) => {
      slab.set(bytes.subarray(first * PAGE_SIZE, (first + count) * PAGE_SIZE), index * PAGE_SIZE);
      for (let page = first; page < first + count; page++) {
        const number = Math.floor(page / BLOCK_PAGES);
        if (!own.has(number)) {
          own.add(number);
          blocks[number] = blocks[number]?.slice() ?? new Array<undefined>(BLOCK_PAGES).fill(undefined);
        }
        (blocks[number] as (PageCopy | undefined)[])[page % BLOCK_PAGES] = { slab, index: index++ };
      }
    });
    return new MemoryImage(blocks);
  }

  /** Makes `bytes`, which hold `current` but for the `changed` pages, hold this image. Returns how many pages were written. */
  putInto(bytes: Uint8Array, current: MemoryImage, changed: PageSet): number {
    let written = 0;
    const run = new CopyRun(bytes);
    this.#blocks.forEach((block, number) => {
      const other = current.#blocks[number];
      const first = number * BLOCK_PAGES;
      if (block === other && !changed.hasAny(first, BLOCK_PAGES)) return;
      const last = Math.min(first + BLOCK_PAGES, changed.pages);
      for (let page = first; page < last; page++) {
        const copy = block?.[page - first];
        if (copy === other?.[page - first] && !changed.has(page)) continue;
        run.add(page, copy);
        written++;
      }
    });
    run.flush();
    return written;
  }

  /** Adds the slabs that this image's copies are in. */
  collectSlabs(slabs: Set<Uint8Array>): void {
    for (const block of this.#blocks) if (block !== undefined) for (const copy of block) if (copy !== undefined) slabs.add(copy.slab);
  }
}

/** Gathers copies that lie side by side, here and there, into one. */
class CopyRun {
  #first = 0;
  #count = 0;
  #from: PageCopy | undefined;

  constructor(private readonly bytes: Uint8Array) {}

  add(page: number, from: PageCopy | undefined): void {
    const follows = page === this.#first + this.#count && from?.slab === this.#from?.slab &&
      (from === undefined || from.index === (this.#from as PageCopy).index + this.#count);
    if (this.#count > 0 && follows) {
      this.#count++;
      return;
    }
    this.flush();
    this.#first = page;
    this.#count = 1;
    this.#from = from;
  }

  flush(): void {
    if (this.#count === 0) return;
    const to = this.#first * PAGE_SIZE, length = this.#count * PAGE_SIZE;
    if (this.#from === undefined) this.bytes.fill(0, to, to + length);
    else this.bytes.set(this.#from.slab.subarray(this.#from.index * PAGE_SIZE, this.#from.index * PAGE_SIZE + length), to);
    this.#count = 0;
  }
}
