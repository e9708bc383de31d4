/** What a drive sees of the medium in it: bytes at offsets. */
import type { DeviceState } from '../device.js';

/** Bytes in a sector: ATA-6, 6.2, and ISO 9660, 6.1.2. */
export const DISK_SECTOR = 512;
export const CD_SECTOR = 2048;

export interface BlockImage {
  /** For messages: the file's name without its folder. */
  readonly name: string;
  /** Bytes, a multiple of the sector size the image was opened with. */
  readonly size: number;
  readonly readOnly: boolean;
  /** Fills `target` from `offset`, all of it within the size. Throws ImageError when the host cannot. */
  read(offset: number, target: Uint8Array): void;
  /** Throws ImageError when the host cannot, or when the image is read-only. */
  write(offset: number, bytes: Uint8Array): void;
  /** What was written so far is on the host's disk when this returns. Throws ImageError. */
  flush(): void;
  /** What the guest wrote, where it is kept beside the image; for `restore` of the same open image. */
  save(): DeviceState;
  restore(state: DeviceState): void;
  /** Closes files; again is nothing. */
  close(): void;
}

/** The host failed at an image; the guest gets its device's own error for it. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
}

/** Where images report what the host says; the guest sees only its device's error. */
export type ImageLog = (sentence: string) => void;

/** Makes ImageErrors of sentences and logs the first: a guest that tries again for ever must not fill the log. */
export function imageFailures(log: ImageLog): (sentence: string) => ImageError {
  let failures = 0;
  return (sentence) => {
    if (failures++ === 0) log(`${sentence} The guest gets an error for it, and for further ones, which are not reported.`);
    return new ImageError(sentence);
  };
}

/** Throws RangeError unless `length` bytes from `offset` are within `image`: a device checks the guest's numbers before. */
export function checkRange(image: BlockImage, offset: number, length: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0 || offset + length > image.size) {
    throw new RangeError(`${image.name} has ${image.size} bytes, not ${length} at ${offset}.`);
  }
}
