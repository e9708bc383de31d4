/** The Multiboot 2 header inside a kernel file and its tags (Multiboot2 Specification 2.0, 3.1). Nothing in it is trusted. */
import { GuestError, hex } from './boot-options.js';
import type { MultibootAddresses } from './multiboot-load.js';

const MAGIC = 0xe852_50d6;
const ARCHITECTURE_I386 = 0;
/** The header lies within the first 32768 bytes, aligned to 8. */
const SEARCH_LENGTH = 32_768;
const FIXED_SIZE = 16, TAG_SIZE = 8;
const OPTIONAL = 1 << 0;
/** Each tag with the least bytes it has. Those of EFI mean nothing without EFI. */
const TAG = { end: 0, request: 1, addresses: 2, entry: 3, console: 4, framebuffer: 5, moduleAlignment: 6, efiServices: 7, efiEntry32: 8, efiEntry64: 9, relocatable: 10 } as const;
const LEAST_SIZE: ReadonlyMap<number, number> = new Map([
  [TAG.end, 8], [TAG.request, 8], [TAG.addresses, 24], [TAG.entry, 12], [TAG.console, 12], [TAG.framebuffer, 20],
  [TAG.moduleAlignment, 8], [TAG.efiServices, 8], [TAG.efiEntry32, 12], [TAG.efiEntry64, 12], [TAG.relocatable, 24],
]);
/** An address tag's load_addr that means: from the start of the file. */
const FROM_FILE_START = 0xffff_ffff;

export interface Multiboot2Header {
  /** Offset in the file in bytes. */
  readonly offset: number;
  /** Types of information tags that the kernel asks for and does not call optional. */
  readonly required: readonly number[];
  readonly addresses?: Omit<MultibootAddresses, 'entry'>;
  /** GPA; replaces what an ELF header says. */
  readonly entry?: number;
  /** Pixels and bits, 0: any. */
  readonly framebuffer?: { readonly width: number; readonly height: number; readonly depth: number };
  readonly relocatable: boolean;
}

/** Offset of the first header with a right checksum for i386, undefined when there is none. */
export function findMultiboot2Header(file: Uint8Array): number | undefined {
  const view = viewOf(file);
  const end = Math.min(file.length, SEARCH_LENGTH);
  for (let offset = 0; offset + FIXED_SIZE <= end; offset += 8) {
    if (view.getUint32(offset, true) !== MAGIC) continue;
    const architecture = view.getUint32(offset + 4, true), length = view.getUint32(offset + 8, true);
    const sum = MAGIC + architecture + length + view.getUint32(offset + 12, true);
    if (sum % 0x1_0000_0000 === 0 && architecture === ARCHITECTURE_I386) return offset;
  }
  return undefined;
}

/** Reads the header at `offset` and its tags. Throws GuestError for a damaged one and for what nobody defines. */
export function parseMultiboot2Header(file: Uint8Array, offset: number, name: string): Multiboot2Header {
  const view = viewOf(file);
  const end = offset + view.getUint32(offset + 8, true);
  if (end > Math.min(file.length, SEARCH_LENGTH)) {
    throw new GuestError(`The Multiboot 2 header of ${name} should reach byte ${end}, beyond ${end > file.length ? `the file's ${file.length} bytes` : `the first ${SEARCH_LENGTH}`}; correct its header_length.`);
  }
  const required: number[] = [];
  let found: Omit<Multiboot2Header, 'offset' | 'required'> = { relocatable: false };
  for (let at = offset + FIXED_SIZE; ; ) {
    if (at + TAG_SIZE > end) throw new GuestError(`The tags of the Multiboot 2 header of ${name} do not end within its ${end - offset} bytes; put an end tag (type 0, size 8) last.`);
    const type = view.getUint16(at, true), isOptional = (view.getUint16(at + 2, true) & OPTIONAL) !== 0;
    const size = view.getUint32(at + 4, true);
    const least = LEAST_SIZE.get(type) ?? TAG_SIZE;
    if (size < least || at + size > end) {
      throw new GuestError(`The tag of type ${type} in the Multiboot 2 header of ${name} has size ${size}, where ${least} to ${end - at} would fit.`);
    }
    if (type === TAG.end) return { offset, required, ...found };
    const word = (index: number): number => view.getUint32(at + 8 + index * 4, true);
    switch (type) {
      case TAG.request:
        if (!isOptional) for (let index = 0; 8 + (index + 1) * 4 <= size; index++) required.push(word(index));
        break;
      case TAG.addresses:
        found = { ...found, addresses: addressTag(offset, word(0), word(1), word(2), word(3)) };
        break;
      case TAG.entry:
        found = { ...found, entry: word(0) };
        break;
      case TAG.framebuffer:
        found = { ...found, framebuffer: { width: word(0), height: word(1), depth: word(2) } };
        break;
      case TAG.relocatable:
        found = { ...found, relocatable: true };
        break;
      default:
        if (!LEAST_SIZE.has(type) && !isOptional) {
          throw new GuestError(`${name} requires Multiboot 2 header tag ${hex(type)}, which no specification defines; mark it optional (flags bit 0).`);
        }
    }
    at += Math.ceil(size / 8) * 8;
  }
}

function addressTag(offset: number, header: number, load: number, loadEnd: number, bssEnd: number): Omit<MultibootAddresses, 'entry'> {
  return { header, load: load === FROM_FILE_START ? header - offset : load, loadEnd, bssEnd };
}

function viewOf(file: Uint8Array): DataView {
  return new DataView(file.buffer, file.byteOffset, file.length);
}
