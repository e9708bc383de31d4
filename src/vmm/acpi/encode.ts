/** Little-endian fields and checksums of the tables that firmware leaves for an operating system. */

/** `value` in `size` bytes, the lowest first. */
export function le(value: number, size: number): number[] {
  return Array.from({ length: size }, (_, i) => Math.floor(value / 2 ** (8 * i)) % 256);
}

/** ASCII, padded with `pad` to `length` bytes where that is given. */
export function ascii(text: string, length = text.length, pad = 0x20): number[] {
  return Array.from({ length }, (_, i) => (i < text.length ? text.charCodeAt(i) : pad));
}

/** The byte that makes the sum of `bytes` and itself 0 modulo 256. */
export function checksum(bytes: Iterable<number>): number {
  let sum = 0;
  for (const byte of bytes) sum += byte;
  return -sum & 0xff;
}
