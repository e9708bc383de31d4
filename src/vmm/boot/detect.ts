/** Tells by a file's content how it wants to be started. */
import { isElf, parseElf } from './elf.js';
import type { BootKind } from './boot-options.js';
import { isLinux } from './linux-header.js';
import { hasBootSignature } from './mbr.js';
import { findMultiboot2Header } from './multiboot2-header.js';
import { findMultibootHeader } from './multiboot1-header.js';
import { pvhEntry } from './pvh.js';

/**
 * A Multiboot 2 header wins over Multiboot 1, that over a PVH note, that over a plain ELF; a bzImage is told by its own
 * header; then the boot signature; everything else is a flat image.
 */
export function detectBootKind(file: Uint8Array, name: string): BootKind {
  if (isLinux(file)) return 'linux';
  if (findMultiboot2Header(file) !== undefined) return 'multiboot2';
  if (findMultibootHeader(file) !== undefined) return 'multiboot';
  if (isElf(file)) return pvhEntry(parseElf(file, name)) !== undefined ? 'pvh' : 'elf';
  return hasBootSignature(file) ? 'mbr' : 'flat';
}
