/** What a file is by a look at its beginning, before anybody decides how to start it: a disk may be too large to be read. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { foreignFormat } from '../storage/foreign-format.js';
import { detectBootKind } from './detect.js';
import { SECTOR_SIZE, hasBootSignature } from './mbr.js';

/**
 * `disk`: a boot sector and more behind it, or a disk in a format that is refused later; `boot-sector`: one by itself; `cdrom`:
 * ISO 9660 without a boot sector; `linux`: a kernel with Linux's header; `program`: an ELF file or what has a Multiboot header;
 * `bytes`: anything else, and what cannot be read.
 */
export type GuestLook = 'disk' | 'boot-sector' | 'cdrom' | 'linux' | 'program' | 'bytes';

/** The primary volume descriptor is the first one, in sector 16 of 2048 bytes (ECMA-119, 6.3 and 8.1.2). */
const VOLUME_DESCRIPTOR = 0x8000;
const VOLUME_IDENTIFIER = [0x43, 0x44, 0x30, 0x30, 0x31]; // CD001
/** All headers that are searched for begin in it. */
const HEAD_SIZE = VOLUME_DESCRIPTOR + 2048;

/** Looks at the file. Never throws: who opens it next has the sentence for what is wrong with it. */
export function lookAtGuest(path: string): GuestLook {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    const head = new Uint8Array(HEAD_SIZE);
    const length = readSync(descriptor, head, 0, head.length, 0);
    return whatBeginsWith(head.subarray(0, length), fstatSync(descriptor).size);
  } catch {
    return 'bytes';
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** `head`: the first bytes of a file of `size` bytes. */
export function whatBeginsWith(head: Uint8Array, size: number): GuestLook {
  if (foreignFormat(head) !== undefined) return 'disk';
  const isVolume = VOLUME_IDENTIFIER.every((byte, i) => head[VOLUME_DESCRIPTOR + 1 + i] === byte);
  if (isVolume && !hasBootSignature(head)) return 'cdrom';
  switch (kindOf(head)) {
    case 'mbr': return size > SECTOR_SIZE ? 'disk' : 'boot-sector';
    case 'linux': return 'linux';
    case 'flat': return 'bytes';
    default: return 'program';
  }
}

function kindOf(head: Uint8Array): string {
  try {
    return detectBootKind(head, '');
  } catch {
    return 'program'; // a damaged header, which is its loader's to name
  }
}
