/**
 * Reads ELF executables (Tool Interface Standard ELF 1.2; System V gABI, chapters 4 and 5): header, program headers
 * and notes. Nothing in the file is trusted: every offset and size is checked against its length.
 */
import { GuestError, formatRange, hex, requireRam, type BootOptions, type MemoryWrite } from './boot-options.js';
import type { Placement } from './placement.js';

const PT_LOAD = 1, PT_NOTE = 4, PT_GNU_PROPERTY = 0x6474_e553;
const ET_REL = 1, ET_EXEC = 2, ET_DYN = 3;
const EM_386 = 3, EM_X86_64 = 62;

export interface ElfSegment {
  readonly type: number;
  readonly offset: number;
  /** Linear address. */
  readonly virtual: bigint;
  /** GPA. */
  readonly physical: bigint;
  /** Bytes in the file. */
  readonly fileSize: number;
  /** Bytes in memory; the rest is zero. */
  readonly memorySize: number;
}

export interface ElfNote {
  readonly name: string;
  readonly type: number;
  readonly descriptor: Uint8Array;
}

export interface ElfFile {
  readonly bits: 32 | 64;
  readonly entry: bigint;
  /** Those that are loaded and not empty. */
  readonly segments: readonly ElfSegment[];
  readonly notes: readonly ElfNote[];
}

export function isElf(file: Uint8Array): boolean {
  return file.length >= 4 && file[0] === 0x7f && file[1] === 0x45 && file[2] === 0x4c && file[3] === 0x46;
}

/** Parses an x86 executable. Throws GuestError with one sentence for anything else; `name` is what it calls the file. */
export function parseElf(file: Uint8Array, name: string): ElfFile {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  if (!isElf(file)) throw new GuestError(`${name} is not an ELF file; start it with --boot flat or --boot mbr.`);
  if (file.length < 52) throw truncated(name, 'its header', 52, file.length);
  const elfClass = file[4], data = file[5];
  if (elfClass !== 1 && elfClass !== 2) throw new GuestError(`${name} has ELF class ${elfClass}, which is neither 32-bit (1) nor 64-bit (2).`);
  if (data !== 1) throw new GuestError(`${name} is a big-endian ELF file (data encoding ${data}); x86 guests are little-endian.`);
  const bits = elfClass === 2 ? 64 : 32;
  if (bits === 64 && file.length < 64) throw truncated(name, 'its header', 64, file.length);

  const machine = view.getUint16(18, true);
  if (machine !== EM_386 && machine !== EM_X86_64) {
    throw new GuestError(`${name} is for another processor (ELF machine ${machine}); guests are for i386 (3) or x86-64 (62).`);
  }
  if ((machine === EM_X86_64) !== (bits === 64)) {
    throw new GuestError(`${name} is a ${bits}-bit ELF file for machine ${machine}, which do not go together; link it as elf_i386 or elf_x86_64.`);
  }
  const type = view.getUint16(16, true);
  if (type === ET_REL) throw new GuestError(`${name} is an object file; link it into an executable first.`);
  if (type !== ET_EXEC && type !== ET_DYN) throw new GuestError(`${name} is not an executable (ELF type ${type}).`);

  const all = readProgramHeaders(view, bits, name);
  const segments = all.filter((segment) => segment.type === PT_LOAD && segment.memorySize > 0);
  if (segments.length === 0) throw new GuestError(`${name} has nothing to load: no PT_LOAD segment.`);
  const entry = bits === 64 ? view.getBigUint64(24, true) : BigInt(view.getUint32(24, true));
  // Linkers usually name a property note twice, by PT_NOTE and by PT_GNU_PROPERTY.
  const notes = all.filter((segment) => segment.type === PT_NOTE || segment.type === PT_GNU_PROPERTY)
    .flatMap(({ offset, fileSize }) => readNotes(file.subarray(offset, offset + fileSize)));
  return { bits, entry, segments, notes };
}

function readProgramHeaders(view: DataView, bits: 32 | 64, name: string): ElfSegment[] {
  const wide = bits === 64;
  const table = wide ? toOffset(view.getBigUint64(32, true)) : view.getUint32(28, true);
  const entrySize = view.getUint16(wide ? 54 : 42, true);
  const count = view.getUint16(wide ? 56 : 44, true);
  const expected = wide ? 56 : 32;
  if (count > 0 && entrySize !== expected) throw new GuestError(`${name} has program headers of ${entrySize} bytes instead of ${expected}; the file is damaged.`);
  if (table + count * entrySize > view.byteLength) throw truncated(name, 'its program headers', table + count * entrySize, view.byteLength);

  return Array.from({ length: count }, (_, i) => {
    const at = table + i * entrySize;
    const word = (offset32: number, offset64: number): bigint =>
      wide ? view.getBigUint64(at + offset64, true) : BigInt(view.getUint32(at + offset32, true));
    const segment: ElfSegment = {
      type: view.getUint32(at, true),
      offset: toOffset(word(4, 8)),
      virtual: word(8, 16),
      physical: word(12, 24),
      fileSize: toOffset(word(16, 32)),
      memorySize: toOffset(word(20, 40)),
    };
    if ([PT_LOAD, PT_NOTE, PT_GNU_PROPERTY].includes(segment.type) && segment.offset + segment.fileSize > view.byteLength) {
      throw truncated(name, `segment ${i}`, segment.offset + segment.fileSize, view.byteLength);
    }
    if (segment.type === PT_LOAD && segment.fileSize > segment.memorySize) {
      throw new GuestError(`Segment ${i} of ${name} has ${segment.fileSize} bytes in the file and room for ${segment.memorySize} in memory; the file is damaged.`);
    }
    return segment;
  });
}

/** Notes of one PT_NOTE segment; ends quietly at the first that does not fit, for nothing depends on those. */
function readNotes(bytes: Uint8Array): ElfNote[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const notes: ElfNote[] = [];
  for (let at = 0; at + 12 <= bytes.length; ) {
    const nameSize = view.getUint32(at, true), descriptorSize = view.getUint32(at + 4, true);
    const descriptorAt = at + 12 + align4(nameSize);
    if (descriptorAt + descriptorSize > bytes.length) break;
    const name = String.fromCharCode(...bytes.subarray(at + 12, at + 12 + Math.min(nameSize, 64))).replace(/\0.*$/s, '');
    notes.push({ name, type: view.getUint32(at + 8, true), descriptor: bytes.subarray(descriptorAt, descriptorAt + descriptorSize) });
    at = descriptorAt + align4(descriptorSize);
  }
  return notes;
}

/**
 * The memory writes that load every segment at its physical address, each taken in `placement`. Throws GuestError
 * when one is outside RAM or two overlap.
 */
export function loadSegments(file: Uint8Array, elf: ElfFile, options: BootOptions, placement: Placement): MemoryWrite[] {
  return elf.segments.map(({ offset, physical, fileSize, memorySize }, i) => {
    const what = `Segment ${i} of ${options.name}`;
    if (physical > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new GuestError(`${what} is to be loaded at ${hex(physical)}, where no machine has memory; link it with a physical address (AT in the linker script).`);
    }
    requireRam(options.ram, what, Number(physical), memorySize);
    placement.take(what, Number(physical), memorySize);
    return { address: physical, bytes: file.subarray(offset, offset + fileSize) };
  });
}

/** The physical address of a linear one inside a segment; itself when no segment has it. */
export function physicalEntry(elf: ElfFile, linear: bigint): bigint {
  const segment = elf.segments.find(({ virtual, memorySize }) => linear >= virtual && linear < virtual + BigInt(memorySize));
  return segment === undefined ? linear : linear - segment.virtual + segment.physical;
}

/** One sentence for `notes`. */
export function describeSegments(elf: ElfFile): string {
  const ranges = elf.segments.map(({ physical, memorySize }) => formatRange(Number(physical), memorySize));
  return `ELF${elf.bits} loaded at ${ranges.join(', ')}`;
}

function truncated(name: string, what: string, needed: number, length: number): GuestError {
  return new GuestError(`${name} is truncated: ${what} should reach byte ${needed}, and the file has ${length}; build or copy it again.`);
}

/** File offsets past 2^53 are beyond any file. */
function toOffset(value: bigint): number {
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}

function align4(value: number): number {
  return Math.ceil(value / 4) * 4;
}
