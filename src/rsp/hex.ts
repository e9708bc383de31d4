/**
 * Hexadecimal as packets carry it: two ASCII digits a byte, numbers most significant digit first
 * (gdb manual, "Remote Protocol", Overview). Tables and Buffers, no string per character.
 */

const DIGITS = '0123456789abcdef';

/** The two digits of each byte as one little-endian 16-bit word, so that a byte is encoded by one store. */
export const HEX_PAIRS = new Uint16Array(256);
/** The sum of the two digits' codes, for the checksum. */
export const HEX_PAIR_SUMS = new Uint16Array(256);
/** The two digits of each byte. */
const BYTE_DIGITS = Array.from({ length: 256 }, (_, byte) => DIGITS[byte >> 4] + DIGITS[byte & 15]);
/** Value of an ASCII digit, 0xff for anything else. */
const VALUES = new Uint8Array(256).fill(0xff);

for (let byte = 0; byte < 256; byte++) {
  const high = DIGITS.charCodeAt(byte >> 4);
  const low = DIGITS.charCodeAt(byte & 15);
  HEX_PAIRS[byte] = high | (low << 8);
  HEX_PAIR_SUMS[byte] = high + low;
}
for (let value = 0; value < 16; value++) {
  VALUES[DIGITS.charCodeAt(value)] = value;
  VALUES[DIGITS.toUpperCase().charCodeAt(value)] = value;
}

/** Value 0..15 of an ASCII digit, or 0xff. */
export function hexValue(code: number): number {
  return VALUES[code] ?? 0xff;
}

/** The digits of `bytes` as a string, for registers in a stop reply: of so few bytes a Buffer takes longer to make. */
export function toHex(bytes: Uint8Array): string {
  let digits = '';
  for (let i = 0; i < bytes.length; i++) digits += BYTE_DIGITS[bytes[i]];
  return digits;
}

/** UTF-8 text in hex, as `O` and `qRcmd` carry it. */
export function textToHex(text: string): string {
  return Buffer.from(text, 'utf8').toString('hex');
}

/** Bytes for the digits in `source[start..end)`; undefined when a digit is wrong or their number is odd. */
export function fromHex(source: Uint8Array, start = 0, end = source.length): Uint8Array | undefined {
  if (((end - start) & 1) !== 0) return undefined;
  const bytes = new Uint8Array((end - start) >> 1);
  for (let i = 0, from = start; i < bytes.length; i++, from += 2) {
    const high = hexValue(source[from]);
    const low = hexValue(source[from + 1]);
    if ((high | low) > 15) return undefined;
    bytes[i] = (high << 4) | low;
  }
  return bytes;
}
