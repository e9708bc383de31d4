/** Builds a block of structures and strings that point at each other by guest-physical address. */
export class BootBlock {
  readonly #address: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #used = 0;

  /** `size` bytes that will lie at GPA `address`. */
  constructor(address: number, size: number) {
    this.#address = address;
    this.#bytes = new Uint8Array(size);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Sets `length` zero bytes aside, aligned to 8, and returns their GPA. Throws RangeError when the block is full. */
  reserve(length: number): number {
    const at = Math.ceil(this.#used / 8) * 8;
    if (at + length > this.#bytes.length) throw new RangeError('The boot information block is too small.');
    this.#used = at + length;
    return this.#address + at;
  }

  /** A string that ends in a zero byte; returns its GPA. */
  string(text: string): number {
    const encoded = new TextEncoder().encode(text);
    const gpa = this.reserve(encoded.length + 1);
    this.#bytes.set(encoded, gpa - this.#address);
    return gpa;
  }

  set(gpa: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes, gpa - this.#address);
  }

  set32(gpa: number, value: number): void {
    this.#view.setUint32(gpa - this.#address, value, true);
  }

  set64(gpa: number, value: number | bigint): void {
    this.#view.setBigUint64(gpa - this.#address, BigInt(value), true);
  }
}

/** Bytes a string needs in a block. */
export function stringSize(text: string): number {
  return new TextEncoder().encode(text).length + 1 + 8;
}
