/** Which pages of a memory: one bit each. */

export const PAGE_SIZE = 4096;
const BITS = 32;

export class PageSet {
  readonly #words: Uint32Array;

  /** Of a memory of `pages` pages; empty. */
  constructor(readonly pages: number) {
    this.#words = new Uint32Array(Math.ceil(pages / BITS));
  }

  has(page: number): boolean {
    return (this.#words[page >>> 5] & (1 << (page & 31))) !== 0;
  }

  add(page: number): void {
    this.#words[page >>> 5] |= 1 << (page & 31);
  }

  /** Pages `first` to `last`, both of them. */
  addRange(first: number, last: number): void {
    for (let page = first; page <= last; page++) this.add(page);
  }

  /** Bits of a dirty log, the lowest first, for the pages from `first` on. */
  addBits(first: number, bits: Uint8Array): void {
    for (let i = 0; i < bits.length; i++) {
      for (let byte = bits[i]; byte !== 0; byte &= byte - 1) this.add(first + 8 * i + (31 - Math.clz32(byte & -byte)));
    }
  }

  clear(): void {
    this.#words.fill(0);
  }

  /** Whether any of `count` pages from `first` is here; both are multiples of 32. */
  hasAny(first: number, count: number): boolean {
    const end = Math.min((first + count) / BITS, this.#words.length);
    for (let word = first / BITS; word < end; word++) if (this.#words[word] !== 0) return true;
    return false;
  }

  get size(): number {
    let count = 0;
    this.forEach(() => { count++; });
    return count;
  }

  /** In ascending order. */
  forEach(visit: (page: number) => void): void {
    for (let word = 0; word < this.#words.length; word++) {
      for (let bits = this.#words[word]; bits !== 0; bits &= bits - 1) visit(word * BITS + (31 - Math.clz32(bits & -bits)));
    }
  }

  /** Runs of neighbours, in ascending order. */
  forEachRun(visit: (first: number, count: number) => void): void {
    let first = -1, next = -1;
    this.forEach((page) => {
      if (page !== next) {
        if (first >= 0) visit(first, next - first);
        first = page;
      }
      next = page + 1;
    });
    if (first >= 0) visit(first, next - first);
  }
}
