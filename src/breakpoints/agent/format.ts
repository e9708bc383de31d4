/**
 * The format strings of `printf` in agent expressions, which is what `dprintf` becomes with `set dprintf-style agent`
 * (gdb manual, "Dynamic Printf"). gdb sends the text between the user's quotes as it was typed, so escapes are
 * resolved here. Integers, characters, pointers and strings in the guest; no floats, which the guest's stack of
 * 64-bit integers does not carry.
 */

/** Linear address; comes back short where the readable bytes end. */
export type ReadMemory = (address: bigint, length: number) => Uint8Array;

/** Bytes of a guest's string that are printed; what is longer ends in `...`. */
const MOST_STRING_BYTES = 4096;
/** Of a width or precision: nobody's line is longer, and memory is not given away for a typing error. */
const MOST_WIDTH = 4096;
/** A string is read in pieces of this size, none of them across a page. */
const STRING_PIECE = 64;

/** Well-formed, but not carried out here; `message` is half a sentence. */
export class UnsupportedError extends Error {
  override readonly name = 'UnsupportedError';
}

type Piece = string | Conversion;

interface Conversion {
  readonly kind: 'signed' | 'unsigned' | 'character' | 'pointer' | 'string';
  /** 8 to 64, of an integer. */
  readonly bits: number;
  readonly radix: 8 | 10 | 16;
  readonly upperCase: boolean;
  readonly flags: string;
  /** In characters. */
  readonly width: number;
  readonly precision: number | undefined;
}

export interface Format {
  readonly pieces: readonly Piece[];
  readonly argumentCount: number;
}

export type Printed = { readonly text: string; readonly failure?: undefined } | { readonly failure: string };

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\', '"': '"', a: '\x07', b: '\b', e: '\x1b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v',
};

const CONVERSION = /%([-+ #0]*)([0-9]*)(?:\.([0-9]*))?(hh|h|ll|l|z|t|j|L|H|DD?|)([^])?/y;

/** A format from its bytes, without the zero byte at the end. Throws UnsupportedError for what it has that is not printed here. */
export function parseFormat(bytes: Uint8Array): Format {
  const source = resolveEscapes(Buffer.from(bytes).toString('utf8'));
  const pieces: Piece[] = [];
  for (let position = 0; position < source.length;) {
    const percent = source.indexOf('%', position);
    const end = percent < 0 ? source.length : percent;
    if (end > position) pieces.push(source.slice(position, end));
    if (percent < 0) break;
    if (source[percent + 1] === '%') {
      pieces.push('%');
      position = percent + 2;
      continue;
    }
    CONVERSION.lastIndex = percent;
    const match = CONVERSION.exec(source) as RegExpExecArray;
    pieces.push(makeConversion(match));
    position = CONVERSION.lastIndex;
  }
  return { pieces, argumentCount: pieces.filter((piece) => typeof piece !== 'string').length };
}

function resolveEscapes(source: string): string {
  return source.replace(/\\([^])?/g, (_, escape: string | undefined) => {
    const meant = escape === undefined ? undefined : ESCAPES[escape];
    if (meant === undefined) throw new UnsupportedError(`its format has the unknown escape "\\${escape ?? ''}"`);
    return meant;
  });
}

const BITS: Readonly<Record<string, number>> = { hh: 8, h: 16, '': 32, l: 64, ll: 64, z: 64, t: 64, j: 64 };

function makeConversion(match: RegExpExecArray): Conversion {
  const [text, flags, width, precision, size, letter] = match as unknown as readonly (string | undefined)[];
  const refuse = (why: string): never => {
    throw new UnsupportedError(`its format has "${text}", and ${why}`);
  };
  const bits = BITS[size ?? ''];
  const common = {
    bits, flags: flags ?? '', width: Number(width ?? 0), precision: precision === undefined ? undefined : Number(precision),
    radix: 10, upperCase: false,
  } as const;
  if (common.width > MOST_WIDTH || (common.precision ?? 0) > MOST_WIDTH) refuse(`widths are at most ${MOST_WIDTH}`);
  switch (letter) {
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o':
      if (bits === undefined) refuse(`"${size}" does not go with an integer`);
      if (letter === 'd' || letter === 'i') return { ...common, kind: 'signed' };
      return { ...common, kind: 'unsigned', radix: letter === 'u' ? 10 : letter === 'o' ? 8 : 16, upperCase: letter === 'X' };
    case 'c':
    case 's':
      if (size !== '') refuse('wide characters are not supported');
      return { ...common, kind: letter === 'c' ? 'character' : 'string' };
    case 'p':
      if (size !== '') refuse(`"${size}" does not go with a pointer`);
      return { ...common, kind: 'pointer' };
    case 'a': case 'A': case 'e': case 'E': case 'f': case 'F': case 'g': case 'G':
      return refuse('floating point is not printed here');
    case undefined:
      return refuse('that is not complete');
    default:
      return refuse(`%${letter} is not supported`);
  }
}

/** The text for as many arguments as the format takes; `read` gets the strings. Fails with half a sentence. */
export function printFormat(format: Format, values: readonly bigint[], read: ReadMemory): Printed {
  let text = '';
  let used = 0;
  for (const piece of format.pieces) {
    if (typeof piece === 'string') {
      text += piece;
      continue;
    }
    const value = values[used++];
    if (piece.kind !== 'string') {
      text += pad(piece, piece.kind === 'character' ? String.fromCharCode(Number(value & 0xffn)) : number(piece, value));
      continue;
    }
    const printed = readString(value, piece.precision ?? MOST_STRING_BYTES, piece.precision === undefined, read);
    if (printed.failure !== undefined) return printed;
    text += pad(piece, printed.text);
  }
  return { text };
}

function pad({ flags, width }: Conversion, text: string): string {
  return flags.includes('-') ? text.padEnd(width) : text.padStart(width);
}

/** A number with sign, prefix, and zeros up to its precision or, with the flag 0, its width. */
function number({ kind, bits, radix, upperCase, flags, width, precision }: Conversion, value: bigint): string {
  if (kind === 'pointer') return value === 0n ? '(nil)' : `0x${value.toString(16)}`;
  const cut = kind === 'signed' ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
  let prefix = '';
  if (cut < 0n) prefix = '-';
  else if (kind === 'signed') prefix = flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  let digits = cut === 0n && precision === 0 ? '' : (cut < 0n ? -cut : cut).toString(radix);
  if (flags.includes('#') && radix === 16 && cut !== 0n) prefix = '0x';
  if (flags.includes('#') && radix === 8 && !digits.startsWith('0')) digits = `0${digits}`;
  const zeros = flags.includes('0') && !flags.includes('-') && precision === undefined ? width - prefix.length : precision ?? 0;
  const text = prefix + digits.padStart(zeros, '0');
  return upperCase ? text.toUpperCase() : text;
}

/** At most `most` bytes up to a zero byte; `marked`: an end that is not the string's own is shown by `...`. */
function readString(address: bigint, most: number, marked: boolean, read: ReadMemory): Printed {
  if (address === 0n) return { text: '(null)'.slice(0, most) };
  const parts: Uint8Array[] = [];
  let length = 0;
  while (length < most) {
    const at = BigInt.asUintN(64, address + BigInt(length));
    const wanted = Math.min(STRING_PIECE - Number(at % BigInt(STRING_PIECE)), most - length);
    const piece = read(at, wanted);
    const zero = piece.indexOf(0);
    parts.push(Uint8Array.from(zero < 0 ? piece : piece.subarray(0, zero)));
    if (zero >= 0) return { text: decode(parts) };
    if (piece.length < wanted) return { failure: `it cannot read the string at 0x${address.toString(16)} beyond ${length + piece.length} bytes` };
    length += wanted;
  }
  return { text: decode(parts) + (marked ? '...' : '') };
}

function decode(parts: readonly Uint8Array[]): string {
  return Buffer.concat(parts).toString('utf8');
}
