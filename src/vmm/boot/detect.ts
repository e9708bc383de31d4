/** Tells by a file's content how it wants to be started. */
import { isElf, parseElf } from './elf.js';
import { GuestError, type BootKind } from './boot-options.js';
import { hasBootSignature } from './mbr.js';
import { findMultibootHeader } from './multiboot1-header.js';
import { pvhEntry } from './pvh.js';

/**
 * A Multiboot header wins over a PVH note, that over a plain ELF; then the boot signature; everything else is a flat
 * image. Throws GuestError for a Linux bzImage, which nothing here can start yet.
 */
export function detectBootKind(file: Uint8Array, name: string): BootKind {
  if (isElf(file)) {
    if (findMultibootHeader(file) !== undefined) return 'multiboot';
    return pvhEntry(parseElf(file, name)) !== undefined ? 'pvh' : 'elf';
  }
  if (isBzImage(file)) {
    throw new GuestError(`${name} is a Linux bzImage, which a later version will boot; give its vmlinux (an ELF file) instead, or force --boot mbr or flat.`);
  }
  if (findMultibootHeader(file) !== undefined) return 'multiboot';
  return hasBootSignature(file) ? 'mbr' : 'flat';
}

/** "HdrS" at 0x202 (Linux, Documentation/arch/x86/boot.rst). */
function isBzImage(file: Uint8Array): boolean {
  return file.length > 0x206 && String.fromCharCode(...file.subarray(0x202, 0x206)) === 'HdrS';
}
