/** Tells by a file's content how it wants to be started. */
import { isElf, parseElf } from './elf.js';
import type { BootKind } from './boot-options.js';
import { isLinux } from './linux-header.js';
import { hasBootSignature } from './mbr.js';
import { findMultiboot2Header } from './multiboot2-header.js';
import { findMultibootHeader } from './multiboot1-header.js';
import { pvhEntry } from './pvh.js';

/**
 * A bzImage is told by its own header, then the boot signature decides, for a disk may well have a Multiboot header (GRUB's
 * core image has one) and an ELF file has no boot sector. A Multiboot 2 header wins over Multiboot 1, that over a PVH note,
 * that over a plain ELF; everything else is a flat image.
 */
export function detectBootKind(file: Uint8Array, name: string): BootKind {
  if (isLinux(file)) return 'linux';
  if (hasBootSignature(file) && !isElf(file)) return 'mbr';
  if (findMultiboot2Header(file) !== undefined) return 'multiboot2';
  if (findMultibootHeader(file) !== undefined) return 'multiboot';
  if (isElf(file)) return pvhEntry(parseElf(file, name)) !== undefined ? 'pvh' : 'elf';
  return 'flat';
}
