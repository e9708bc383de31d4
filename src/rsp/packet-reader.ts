/** A cursor over the arguments of one packet. Whatever does not fit is a TargetError (EINVAL) that says what is wrong. */
import { TargetError } from '../target.js';
import { fromHex, hexValue } from './hex.js';

export class PacketReader {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  get atEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  /** The next character, or '' at the end. */
  peek(): string {
    return this.atEnd ? '' : String.fromCharCode(this.bytes[this.at]);
  }

  /** True, and past it, when the next character is `character`. */
  skip(character: string): boolean {
    if (this.bytes[this.at] !== character.charCodeAt(0)) return false;
    this.at++;
    return true;
  }

  expect(character: string, what: string): void {
    if (!this.skip(character)) throw new TargetError(`Expected '${character}' ${what}.`);
  }

  expectEnd(what: string): void {
    if (!this.atEnd) throw new TargetError(`Unexpected text after ${what}.`);
  }

  /** Hex digits up to the next other character: an unsigned number of at most 64 bits. */
  bigint(what: string): bigint {
    const { start, digits } = this.digits(what, 16);
    if (digits <= 8) return BigInt(this.value(start, this.at));
    const split = this.at - 8;
    return (BigInt(this.value(start, split)) << 32n) | BigInt(this.value(split, this.at));
  }

  /** As `bigint`, but at most 2^53 - 1. */
  number(what: string): number {
    const { start } = this.digits(what, 13);
    return this.value(start, this.at);
  }

  /** Text up to `delimiter` (which is skipped) or the end. */
  textUntil(delimiter: string): string {
    const found = this.bytes.indexOf(delimiter, this.at, 'latin1');
    const end = found < 0 ? this.bytes.length : found;
    const text = this.bytes.toString('latin1', this.at, end);
    this.at = found < 0 ? end : end + 1;
    return text;
  }

  /** What is left, as bytes; a view. */
  rest(): Buffer {
    const rest = this.bytes.subarray(this.at);
    this.at = this.bytes.length;
    return rest;
  }

  /** The next `length` bytes, decoded from hex. */
  hex(length: number, what: string): Uint8Array {
    const end = this.at + 2 * length;
    if (end > this.bytes.length) throw new TargetError(`${what} is shorter than the ${length} bytes it says.`);
    const bytes = fromHex(this.bytes, this.at, end);
    if (bytes === undefined) throw new TargetError(`${what} must be pairs of hex digits.`);
    this.at = end;
    return bytes;
  }

  /** What is left, decoded from hex. */
  hexRest(what: string): Uint8Array {
    const bytes = fromHex(this.bytes, this.at);
    if (bytes === undefined) throw new TargetError(`${what} must be pairs of hex digits.`);
    this.at = this.bytes.length;
    return bytes;
  }

  private digits(what: string, most: number): { start: number; digits: number } {
    const first = this.at;
    while (this.at < this.bytes.length && hexValue(this.bytes[this.at]) !== 0xff) this.at++;
    if (this.at === first) throw new TargetError(`Expected ${what} in hex digits.`);
    let start = first;
    while (start < this.at - 1 && this.bytes[start] === 0x30) start++;
    const digits = this.at - start;
    if (digits > most) throw new TargetError(`Too many digits in ${what}.`);
    return { start, digits };
  }

  private value(start: number, end: number): number {
    let value = 0;
    for (let i = start; i < end; i++) value = value * 16 + hexValue(this.bytes[i]);
    return value;
  }
}
