/** The Multiboot header inside a kernel file (Multiboot Specification 0.6.96, 3.1). */
import type { MultibootAddresses } from './multiboot-load.js';
import type { VideoMode } from './video-mode.js';

const MAGIC = 0x1bad_b002;
/** The header lies within the first 8192 bytes, aligned to 4. */
const SEARCH_LENGTH = 8192;
const HAS_ADDRESSES = 1 << 16;
const HAS_VIDEO = 1 << 2;
/** The video fields: kind (0 is a framebuffer), width, height, depth. */
const VIDEO = 32, VIDEO_END = 48;

export interface MultibootHeader {
  /** Offset in the file in bytes. */
  readonly offset: number;
  readonly flags: number;
  /** The address fields (flag 16), GPAs: they replace what an ELF header says. */
  readonly addresses?: MultibootAddresses;
  /** A wish for a framebuffer (flag 2), 0: any; absent for none, or for text. */
  readonly video?: VideoMode;
}

/** The first header with a right checksum, undefined when there is none. */
export function findMultibootHeader(file: Uint8Array): MultibootHeader | undefined {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const end = Math.min(file.length, SEARCH_LENGTH);
  for (let offset = 0; offset + 12 <= end; offset += 4) {
    if (view.getUint32(offset, true) !== MAGIC) continue;
    const flags = view.getUint32(offset + 4, true);
    if (((MAGIC + flags + view.getUint32(offset + 8, true)) & 0xffff_ffff) !== 0) continue;
    if (offset + ((flags & HAS_VIDEO) !== 0 ? VIDEO_END : (flags & HAS_ADDRESSES) !== 0 ? VIDEO : 0) > end) continue;
    const word = (at: number): number => view.getUint32(offset + at, true);
    const wantsFramebuffer = (flags & HAS_VIDEO) !== 0 && word(VIDEO) === 0;
    const video = wantsFramebuffer ? { video: { width: word(VIDEO + 4), height: word(VIDEO + 8), depth: word(VIDEO + 12) } } : {};
    if ((flags & HAS_ADDRESSES) === 0) return { offset, flags, ...video };
    return { offset, flags, ...video, addresses: { header: word(12), load: word(16), loadEnd: word(20), bssEnd: word(24), entry: word(28) } };
  }
  return undefined;
}
