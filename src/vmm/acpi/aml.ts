/**
 * ACPI machine language: the few terms that a small DSDT needs, as bytes (ACPI 6.5, chapter 20 for AML, 6.4 for resource
 * descriptors). Names are single segments of at most four characters.
 */
import { ascii, le } from './encode.js';

export type Aml = readonly number[];

const ZERO = 0x00, ONE = 0x01, NAME = 0x08, BYTE = 0x0a, WORD = 0x0b, DWORD = 0x0c, STRING = 0x0d, SCOPE = 0x10;
const BUFFER = 0x11, PACKAGE = 0x12, EXTENDED = 0x5b, DEVICE = 0x82;
const ROOT = 0x5c;
const END_TAG = [0x79, 0x00];

/** A name segment, padded with underscores. */
function segment(name: string): Aml {
  return ascii(name, 4, 0x5f);
}

/** PkgLength, which counts itself, and the bytes it is the length of (20.2.4). */
function lengthPrefixed(body: Aml): Aml {
  if (body.length + 1 <= 0x3f) return [body.length + 1, ...body];
  const extra = body.length + 2 <= 0xfff ? 1 : 2;
  const length = body.length + 1 + extra;
  if (length > 0xf_ffff) throw new RangeError('An ACPI object is longer than a PkgLength of three bytes can say.');
  return [(extra << 6) | (length & 0xf), ...le(Math.floor(length / 16), extra), ...body];
}

export function integer(value: number): Aml {
  if (value === 0) return [ZERO];
  if (value === 1) return [ONE];
  if (value <= 0xff) return [BYTE, value];
  return value <= 0xffff ? [WORD, ...le(value, 2)] : [DWORD, ...le(value, 4)];
}

export function string(text: string): Aml {
  return [STRING, ...ascii(text), 0];
}

/** A compressed EISA id such as `PNP0501` (19.3.4, EISAID): three letters and four hex digits, as an integer. */
export function eisaId(id: string): Aml {
  const letters = ascii(id.slice(0, 3)).reduce((value, code) => (value << 5) | (code - 0x40), 0);
  const digits = Number.parseInt(id.slice(3), 16);
  return [DWORD, letters >> 8, letters & 0xff, digits >> 8, digits & 0xff];
}

export function name(key: string, value: Aml): Aml {
  return [NAME, ...segment(key), ...value];
}

export function packageOf(...elements: readonly Aml[]): Aml {
  return [PACKAGE, ...lengthPrefixed([elements.length, ...elements.flat()])];
}

/** Below the root: `_SB`, `_PR`. */
export function scope(key: string, ...terms: readonly Aml[]): Aml {
  return [SCOPE, ...lengthPrefixed([ROOT, ...segment(key), ...terms.flat()])];
}

export function device(key: string, ...terms: readonly Aml[]): Aml {
  return [EXTENDED, DEVICE, ...lengthPrefixed([...segment(key), ...terms.flat()])];
}

/** A resource template: a buffer of descriptors and their end tag. */
export function resources(...descriptors: readonly Aml[]): Aml {
  const bytes = [...descriptors.flat(), ...END_TAG];
  return [BUFFER, ...lengthPrefixed([...integer(bytes.length), ...bytes])];
}

/** An I/O port descriptor, 16-bit decoding (6.4.2.5). */
export function ports(base: number, length: number): Aml {
  return [0x47, 0x01, ...le(base, 2), ...le(base, 2), 0x01, length];
}

/** An IRQ descriptor without flags: edge, active high, exclusive (6.4.2.1). */
export function irq(line: number): Aml {
  return [0x22, ...le(1 << line, 2)];
}

/** What an address space descriptor says of a range that a bridge passes on (6.4.3.5). */
const SPACE = { memory: 0, io: 1, bus: 2 } as const;
/** Produced, positively decoded, minimum and maximum fixed. */
const FIXED = 0x0c;

/** A range that a bridge passes on to the bus below it, in words (bus numbers, ports) or double words (memory). */
export function passedOn(kind: keyof typeof SPACE, first: number, last: number): Aml {
  const size = kind === 'memory' ? 4 : 2;
  // Memory: read and write, not cacheable. Ports: the entire range.
  const specific = kind === 'memory' ? 0x01 : kind === 'io' ? 0x03 : 0x00;
  const fields = [0, first, last, 0, last - first + 1].flatMap((value) => le(value, size));
  return [size === 4 ? 0x87 : 0x88, ...le(3 + fields.length, 2), SPACE[kind], FIXED, specific, ...fields];
}
