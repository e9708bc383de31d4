/** Finds the ELF file with the symbols of a guest that has none itself. */
import { closeSync, openSync, readSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { GuestError } from './boot-options.js';
import { isElf } from './elf.js';
import type { GuestFile } from './guest-file.js';
import { isLinux } from './linux-header.js';

/** Where a kernel's build leaves its bzImage, seen from its top folder, where vmlinux is. */
const BUILD_FOLDER = /\/arch\/x86(?:_64)?\/boot$/;
const VERSIONED = /^(?:vmlinuz|bzImage)(-.+)$/;

/**
 * Absolute path of the file that `given` names, or of the vmlinux that lies beside a Linux kernel: in its folder, with its
 * version in the name or without, or at the top of the build tree that it lies in. Throws GuestError when `given` is no ELF file.
 */
export function findSymbols({ bytes, path }: Pick<GuestFile, 'bytes'> & Partial<GuestFile>, given?: string): string | undefined {
  if (given !== undefined) {
    const problem = whyNotElf(given);
    if (problem !== undefined) throw new GuestError(`--symbols takes an ELF file, and ${given} ${problem}.`);
    return resolve(given);
  }
  if (path === undefined || !isLinux(bytes)) return undefined;
  const folder = dirname(path);
  const version = VERSIONED.exec(basename(path))?.[1];
  const candidates = [
    ...(version === undefined ? [] : [join(folder, `vmlinux${version}`)]),
    join(folder, 'vmlinux'),
    ...(BUILD_FOLDER.test(folder) ? [resolve(folder, '../../../vmlinux')] : []),
  ];
  return candidates.find((candidate) => whyNotElf(candidate) === undefined);
}

/** Undefined for a readable ELF file. Only its first bytes are read: a vmlinux with debug information is large. */
function whyNotElf(path: string): string | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    const start = new Uint8Array(4);
    readSync(descriptor, start);
    return isElf(start) ? undefined : 'is not one';
  } catch (error) {
    return `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
