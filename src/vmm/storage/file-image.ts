/**
 * A raw image in a file. Nothing is loaded: each read and write goes to the file, so a sparse image of 1 TiB costs
 * nothing. A file is opened for writing only in the mode `write`.
 */
import { closeSync, constants, fdatasyncSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { basename } from 'node:path';
import { GuestError } from '../boot/boot-options.js';
import type { DeviceState } from '../device.js';
import { checkRange, imageFailures, type BlockImage, type ImageError, type ImageLog } from './block-image.js';
import { foreignFormat } from './foreign-format.js';

export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
}

export class FileImage implements BlockImage {
  readonly name: string;
  readonly size: number;
  readonly readOnly: boolean;
  /** Tells two names of one file from two files. */
  readonly identity: FileIdentity;
  /** Bytes in the file; a last partial sector is filled up with zeros. */
  readonly #fileSize: number;
  readonly #descriptor: number;
  readonly #fail: (sentence: string) => ImageError;
  #open = true;

  /** Opens `path`. Throws GuestError with one sentence unless it is a raw image that can be used so. */
  constructor(path: string, writable: boolean, sectorSize: number, log: ImageLog = () => undefined) {
    this.name = basename(path);
    this.readOnly = !writable;
    this.#fail = imageFailures(log);
    this.#descriptor = openImage(path, writable);
    try {
      const status = fstatSync(this.#descriptor, { bigint: true });
      if (!status.isFile()) throw new GuestError(`${path} is not a file; give a raw disk image.`);
      if (status.size === 0n) throw new GuestError(`${path} is empty; give a disk image with at least one sector.`);
      this.identity = { device: status.dev, inode: status.ino };
      this.#fileSize = Number(status.size);
      this.size = Math.ceil(this.#fileSize / sectorSize) * sectorSize;
      const head = new Uint8Array(512);
      readSync(this.#descriptor, head, 0, head.length, 0);
      const format = foreignFormat(head);
      if (format !== undefined) throw new GuestError(`${path} is a ${format} image, and only raw ones can be used; convert it: qemu-img convert -O raw ${path} disk.raw.`);
      this.#reportPartialSector(path, sectorSize, log);
    } catch (error) {
      this.close();
      throw error instanceof GuestError ? error : new GuestError(`${path} cannot be read: ${(error as Error).message}.`);
    }
  }

  read(offset: number, target: Uint8Array): void {
    checkRange(this, offset, target.length);
    const inFile = Math.max(0, Math.min(target.length, this.#fileSize - offset));
    const found = this.#readSome(offset, target.subarray(0, inFile)).length;
    if (found < inFile) throw this.#failed(`has no byte ${offset + found} any more; it had ${this.#fileSize} bytes when it was opened`);
    target.fill(0, inFile);
  }

  write(offset: number, bytes: Uint8Array): void {
    checkRange(this, offset, bytes.length);
    if (this.readOnly) throw this.#failed('is open for reading only');
    for (let done = 0; done < bytes.length;) {
      try {
        done += writeSync(this.#descriptor, bytes, done, bytes.length - done, offset + done);
      } catch (error) {
        throw this.#failed(`cannot be written at byte ${offset + done}: ${(error as Error).message}`);
      }
    }
  }

  flush(): void {
    if (this.readOnly) return;
    try {
      fdatasyncSync(this.#descriptor);
    } catch (error) {
      throw this.#failed(`cannot be flushed: ${(error as Error).message}`);
    }
  }

  /** A file keeps what was written by itself. */
  save(): DeviceState {
    return {};
  }

  restore(_state: DeviceState): void {}

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#descriptor);
  }

  /** As much of `target` as the file has. */
  #readSome(offset: number, target: Uint8Array): Uint8Array {
    let done = 0;
    while (done < target.length) {
      let count: number;
      try {
        count = readSync(this.#descriptor, target, done, target.length - done, offset + done);
      } catch (error) {
        throw this.#failed(`cannot be read at byte ${offset + done}: ${(error as Error).message}`);
      }
      if (count === 0) break;
      done += count;
    }
    return target.subarray(0, done);
  }

  #reportPartialSector(path: string, sectorSize: number, log: ImageLog): void {
    const rest = this.#fileSize % sectorSize;
    if (rest === 0) return;
    const size = `${path} has ${this.#fileSize} bytes, not a multiple of ${sectorSize}`;
    if (!this.readOnly) throw new GuestError(`${size}, so its last sector cannot be written; fill it up: truncate -s %${sectorSize} ${path}.`);
    log(`${size}; the guest sees its last sector filled up with ${sectorSize - rest} zero bytes.`);
  }

  #failed(what: string): ImageError {
    return this.#fail(`${this.name} ${what}.`);
  }
}

function openImage(path: string, writable: boolean): number {
  try {
    // O_NONBLOCK: a FIFO would wait here for somebody to write into it; for files it means nothing.
    return openSync(path, (writable ? constants.O_RDWR : constants.O_RDONLY) | constants.O_NONBLOCK);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    switch (code) {
      case 'ENOENT': throw new GuestError(`There is no file ${path}; check the path of the disk.`);
      case 'EISDIR': throw new GuestError(`${path} is a directory; give a raw disk image.`);
      case 'EACCES': case 'EROFS': case 'EPERM': case 'ETXTBSY':
        throw new GuestError(writable
          ? `${path} cannot be opened for writing (${code}); change its mode, or leave ",write" out: the guest's writes are then kept beside the image and dropped at the end.`
          : `${path} cannot be read: permission denied; change its mode or run as another user.`);
      default: throw new GuestError(`${path} cannot be opened: ${message}.`);
    }
  }
}
