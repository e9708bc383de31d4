/** Reads a command's sectors in a few large pieces, although the host takes them block by block. */
import { DISK_SECTOR, ImageError, type BlockImage } from '../../storage/block-image.js';

/** Sectors read at once: 128 KiB, so that a command of 32 MiB does not hold the machine up. */
export const CHUNK = 256;

export class ReadAhead {
  readonly #image: BlockImage;
  readonly #chunk = new Uint8Array(CHUNK * DISK_SECTOR);
  /** LBA of the first sector in the chunk, and the number of them. */
  #first = 0;
  #count = 0;

  constructor(image: BlockImage) {
    this.#image = image;
  }

  /** Forgets what was read: the image was written, or another command begins. */
  drop(): void {
    this.#count = 0;
  }

  /**
   * `count` sectors (at most 256) from `lba`, of the `remaining` that the command still wants, at least `count`: a view
   * that is valid until the next call. Throws UnreadableSector.
   */
  sectors(lba: number, count: number, remaining: number): Uint8Array {
    if (lba < this.#first || lba + count > this.#first + this.#count) this.#fill(lba, count, Math.min(CHUNK, remaining));
    const at = (lba - this.#first) * DISK_SECTOR;
    return this.#chunk.subarray(at, at + count * DISK_SECTOR);
  }

  #fill(lba: number, needed: number, wanted: number): void {
    this.#count = 0;
    this.#first = lba;
    if (this.#tryRead(lba, wanted)) {
      this.#count = wanted;
      return;
    }
    // One bad sector must not spoil the good ones before it, and the host wants to know which it is.
    for (let i = 0; i < needed; i++) {
      if (!this.#tryRead(lba + i, 1, i * DISK_SECTOR)) throw new UnreadableSector(lba + i);
    }
    this.#count = needed;
  }

  #tryRead(lba: number, count: number, at = 0): boolean {
    try {
      this.#image.read(lba * DISK_SECTOR, this.#chunk.subarray(at, at + count * DISK_SECTOR));
      return true;
    } catch (error) {
      if (error instanceof ImageError) return false;
      throw error;
    }
  }
}

export class UnreadableSector extends Error {
  override readonly name = 'UnreadableSector';
  constructor(readonly lba: number) {
    super(`Sector ${lba} cannot be read.`);
  }
}
