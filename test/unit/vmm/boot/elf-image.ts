/** Makes ELF executables for tests, byte by byte, with every field open to damage. */
export interface ImageSegment {
  readonly virtual?: bigint;
  readonly physical: bigint;
  readonly bytes: Uint8Array;
  readonly memorySize?: number;
  /** PT_LOAD (1) unless given. */
  readonly type?: number;
}

export interface ImageOptions {
  readonly bits: 32 | 64;
  readonly entry: bigint;
  readonly segments: readonly ImageSegment[];
  readonly machine?: number;
  readonly type?: number;
}

export function elfImage({ bits, entry, segments, machine, type }: ImageOptions): Uint8Array {
  const wide = bits === 64;
  const headerSize = wide ? 64 : 52, programSize = wide ? 56 : 32;
  // A Multiboot 2 header must lie at a multiple of 8.
  let offset = Math.ceil((headerSize + segments.length * programSize) / 8) * 8;
  const bytes = new Uint8Array(offset + segments.reduce((sum, segment) => sum + segment.bytes.length, 0));
  const view = new DataView(bytes.buffer);
  const word = (at: number, value: bigint): void => (wide ? view.setBigUint64(at, value, true) : view.setUint32(at, Number(value), true));
  bytes.set([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, 1, 1]);
  view.setUint16(16, type ?? 2, true);
  view.setUint16(18, machine ?? (wide ? 62 : 3), true);
  view.setUint32(20, 1, true);
  word(24, entry);
  word(wide ? 32 : 28, BigInt(headerSize));
  view.setUint16(wide ? 54 : 42, programSize, true);
  view.setUint16(wide ? 56 : 44, segments.length, true);
  segments.forEach((segment, i) => {
    const at = headerSize + i * programSize;
    view.setUint32(at, segment.type ?? 1, true);
    const fields: [number, number, bigint][] = [
      [4, 8, BigInt(offset)], [8, 16, segment.virtual ?? segment.physical], [12, 24, segment.physical],
      [16, 32, BigInt(segment.bytes.length)], [20, 40, BigInt(segment.memorySize ?? segment.bytes.length)],
    ];
    for (const [narrow, broad, value] of fields) word(at + (wide ? broad : narrow), value);
    bytes.set(segment.bytes, offset);
    offset += segment.bytes.length;
  });
  return bytes;
}

/** A Multiboot header with a right checksum, padded to 64 bytes. */
export function multibootHeader(flags: number, addresses: readonly number[] = []): Uint8Array {
  const bytes = new Uint8Array(64);
  const view = new DataView(bytes.buffer);
  [0x1bad_b002, flags, -(0x1bad_b002 + flags) >>> 0, ...addresses].forEach((value, i) => view.setUint32(i * 4, value >>> 0, true));
  return bytes;
}

/** A Multiboot 2 header for i386 with a right checksum; each tag is its type, its flags and its words. An end tag is added. */
export function multiboot2Header(...tags: (readonly [type: number, flags: number, ...words: number[]])[]): Uint8Array {
  const all = [...tags, [0, 0] as const].map(([type, flags, ...words]) => [type | (flags << 16), 8 + words.length * 4, ...words, ...new Array<number>(words.length % 2).fill(0)]).flat();
  const length = 16 + all.length * 4;
  const view = new DataView(new ArrayBuffer(length));
  [0xe852_50d6, 0, length, -(0xe852_50d6 + length) >>> 0, ...all].forEach((value, i) => view.setUint32(i * 4, value >>> 0, true));
  return new Uint8Array(view.buffer);
}

/** A note segment's bytes. */
export function elfNote(name: string, type: number, descriptor: readonly number[]): Uint8Array {
  const nameSize = name.length + 1;
  const bytes = new Uint8Array(12 + Math.ceil(nameSize / 4) * 4 + descriptor.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, nameSize, true);
  view.setUint32(4, descriptor.length, true);
  view.setUint32(8, type, true);
  bytes.set(new TextEncoder().encode(name), 12);
  bytes.set(descriptor, bytes.length - descriptor.length);
  return bytes;
}
