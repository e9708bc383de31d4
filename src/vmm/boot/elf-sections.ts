/**
 * The section headers of an ELF file, for loaders that hand them to the kernel (System V gABI, chapter 4, "Sections").
 * Nothing depends on them to start, so a table that does not fit the file counts as none.
 */
import { formatRange, type MemoryWrite } from './boot-options.js';
import type { Placement } from './placement.js';

const SHT_NULL = 0, SHT_NOBITS = 8;

export interface ElfSections {
  readonly count: number;
  /** Bytes of one header. */
  readonly entrySize: number;
  /** Index of the section that holds the names. */
  readonly nameIndex: number;
  /** The headers as in the file, but with the addresses of what was loaded here. */
  readonly headers: Uint8Array;
}

/**
 * Loads the sections that no segment covers (symbols, names, debug information) high in RAM, as GRUB does; adds their bytes
 * to `writes` and a sentence to `notes`. `file` must be one that `parseElf` takes. Throws GuestError when RAM is too small.
 */
export function loadSections(file: Uint8Array, placement: Placement, writes: MemoryWrite[], notes: string[]): ElfSections | undefined {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const wide = file[4] === 2;
  const word = (at: number): number => (wide ? Number(view.getBigUint64(at, true)) : view.getUint32(at, true));
  const table = word(wide ? 40 : 32);
  const [entrySize, count, nameIndex] = (wide ? [58, 60, 62] : [46, 48, 50]).map((at) => view.getUint16(at, true)) as [number, number, number];
  if (table === 0 || count === 0 || entrySize !== (wide ? 64 : 40) || table + count * entrySize > file.length) return undefined;

  const loose: { readonly index: number; readonly offset: number; readonly size: number }[] = [];
  for (let index = 0; index < count; index++) {
    const at = table + index * entrySize;
    const type = view.getUint32(at + 4, true);
    const [address, offset, size] = wide ? [word(at + 16), word(at + 24), word(at + 32)] : [word(at + 12), word(at + 16), word(at + 20)];
    if (type === SHT_NULL || type === SHT_NOBITS || address !== 0 || size === 0 || offset + size > file.length) continue;
    loose.push({ index, offset, size });
  }
  // A copy: `slice` of a Buffer would be a view of the file.
  const headers = Uint8Array.from(file.subarray(table, table + count * entrySize));
  if (loose.length === 0) return { count, entrySize, nameIndex, headers };

  const total = loose.reduce((sum, { size }) => sum + align(size), 0);
  const start = placement.placeHigh('the sections of the ELF file', total);
  const patched = new DataView(headers.buffer);
  let gpa = start;
  for (const { index, offset, size } of loose) {
    writes.push({ address: BigInt(gpa), bytes: file.subarray(offset, offset + size) });
    const at = index * entrySize;
    if (wide) patched.setBigUint64(at + 16, BigInt(gpa), true);
    else patched.setUint32(at + 12, gpa, true);
    gpa += align(size);
  }
  notes.push(`sections without an address (symbols, names) are at ${formatRange(start, total)}`);
  return { count, entrySize, nameIndex, headers };
}

function align(size: number): number {
  return Math.ceil(size / 16) * 16;
}
