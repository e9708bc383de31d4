/** Reads guest files from disk, with a sentence for everything that can be wrong with a path. */
import { openSync, closeSync, fstatSync, readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { GuestError, type BootModule } from './boot-options.js';

/** Larger files are no guests but disks given by mistake. */
const LARGEST = 2 * 1024 ** 3 - 1;

export interface GuestFile {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What a file is to be, for sentences. */
type FileRole = 'guest' | 'ROM' | 'module';

/** The bytes of a guest image, or of another file. Throws GuestError when there is no such readable, non-empty, regular file. */
export function readGuestFile(path: string, role: FileRole = 'guest'): GuestFile {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw new GuestError(`${path} is not a file; give a ${role} image.`);
    if (status.size === 0) throw new GuestError(`${path} is empty; give a ${role} image.`);
    if (status.size > LARGEST) throw new GuestError(`${path} has ${status.size} bytes, more than the 2 GiB a ${role} image may have.`);
    return { name: basename(path), path: resolve(path), bytes: readFileSync(descriptor) };
  } catch (error) {
    if (error instanceof GuestError) throw error;
    throw new GuestError(describe(path, role, error as NodeJS.ErrnoException));
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** A module given as `FILE ARGS`: the file up to the first space. */
export function readBootModule(text: string): BootModule {
  const path = text.trim().split(/\s+/, 1)[0] ?? '';
  if (path === '') throw new GuestError('--module takes "FILE ARGS", and no file was given.');
  return { text: text.trim(), bytes: readGuestFile(path, 'module').bytes };
}

function describe(path: string, role: FileRole, error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOENT': return `There is no file ${path}; check the path of the ${role}.`;
    case 'EACCES': return `${path} cannot be read: permission denied; change its mode or run as another user.`;
    case 'EISDIR': return `${path} is a directory; give a ${role} image.`;
    default: return `${path} cannot be read: ${error.message}.`;
  }
}
