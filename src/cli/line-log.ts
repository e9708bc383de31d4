/** Bytes that arrive one by one, told line by line. */

/** A line that does not end is told in pieces of this many bytes. */
const LONGEST = 1000;

export class LineLog {
  readonly #say: (line: string) => void;
  #line: number[] = [];

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  write(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte === 0x0a || this.#line.length >= LONGEST) this.#tell();
      if (byte !== 0x0a && byte !== 0x0d) this.#line.push(byte);
    }
  }

  #tell(): void {
    this.#say(Buffer.from(this.#line).toString('latin1').replace(/[^ -~]/g, '.'));
    this.#line = [];
  }
}
