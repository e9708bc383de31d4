/** Bytes on their way to something that may be slow: bounded, oldest dropped first, and that is said once. */

/** Bytes that may wait. */
export const OUTPUT_LIMIT = 1024 * 1024;

/** Writes some of the bytes now and returns how many; 0 when the far end takes none at the moment. */
export type TryWrite = (bytes: Uint8Array) => number;

export class OutputQueue {
  readonly #tryWrite: TryWrite;
  readonly #onDrop: () => void;
  #waiting: Uint8Array[] = [];
  #length = 0;
  #dropped = 0;

  /** `onDrop` is called at the first byte that is lost. */
  constructor(tryWrite: TryWrite, onDrop: () => void) {
    this.#tryWrite = tryWrite;
    this.#onDrop = onDrop;
  }

  /** Bytes that wait. */
  get length(): number {
    return this.#length;
  }

  /** Bytes lost so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Copies what cannot be written at once. */
  write(bytes: Uint8Array): void {
    let rest = bytes;
    if (this.#length === 0) rest = bytes.subarray(this.#tryWrite(bytes));
    if (rest.length === 0) return;
    this.#append(rest);
    while (this.#length > OUTPUT_LIMIT) this.#dropOldest();
  }

  /** Writes what waits as far as it goes; true when nothing waits any more. */
  flush(): boolean {
    while (this.#waiting.length > 0) {
      const first = this.#waiting[0];
      const written = this.#tryWrite(first);
      if (written === 0) return false;
      this.#length -= written;
      if (written < first.length) this.#waiting[0] = first.subarray(written);
      else this.#waiting.shift();
    }
    return true;
  }

  /** Single bytes are gathered in blocks, so that a million of them are not a million objects. */
  #append(bytes: Uint8Array): void {
    this.#length += bytes.length;
    const last = this.#waiting.at(-1);
    if (last !== undefined && last.byteOffset + last.length + bytes.length <= last.buffer.byteLength) {
      const grown = new Uint8Array(last.buffer, last.byteOffset, last.length + bytes.length);
      grown.set(bytes, last.length);
      this.#waiting[this.#waiting.length - 1] = grown;
      return;
    }
    const block = new Uint8Array(Math.max(4096, bytes.length));
    block.set(bytes);
    this.#waiting.push(block.subarray(0, bytes.length));
  }

  #dropOldest(): void {
    const first = this.#waiting.shift()!;
    const excess = this.#length - OUTPUT_LIMIT;
    const lost = Math.min(excess, first.length);
    if (lost < first.length) this.#waiting.unshift(first.subarray(lost));
    this.#length -= lost;
    if (this.#dropped === 0) this.#onDrop();
    this.#dropped += lost;
  }
}
