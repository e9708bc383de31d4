/** What a disk says about itself: the 256 words of IDENTIFY DEVICE (ATA/ATAPI-6, 8.15.8). */
import type { Geometry } from './task-file.js';

export interface DiskFacts {
  readonly serial: string;
  readonly sectorCount: number;
  readonly geometry: Geometry;
  /** After INITIALIZE DEVICE PARAMETERS. */
  readonly currentGeometry: Geometry;
  /** Sectors in a block of READ MULTIPLE, 0 when it is off. */
  readonly multiple: number;
  readonly maximumMultiple: number;
  readonly writeCache: boolean;
}

const MODEL = 'kvm-gdbserver disk';
export const FIRMWARE_REVISION = '1';

const SECTOR = 512;
/** Words 82–84 and 85–87: power management, write cache, NOP; 48-bit addresses, FLUSH CACHE (EXT). */
const COMMAND_SET = [0x4028, 0x7400, 0x4000];
const WRITE_CACHE = 0x0020;

export function identifyDevice(facts: DiskFacts): Uint8Array {
  const { sectorCount, geometry, currentGeometry: current, multiple, maximumMultiple } = facts;
  const words = new IdentifyWords();
  words.set(0, 0x0040); // fixed
  words.set(1, geometry.cylinders);
  words.set(3, geometry.heads);
  // Bytes a track and a sector, retired by ATA-2: the BIOS of Bochs reads as much as word 5 says.
  words.set(4, geometry.sectors * SECTOR);
  words.set(5, SECTOR);
  words.set(6, geometry.sectors);
  words.text(10, 20, facts.serial);
  words.text(23, 8, FIRMWARE_REVISION);
  words.text(27, 40, MODEL);
  words.set(47, 0x8000 | maximumMultiple);
  words.set(48, 1); // 32-bit data port
  words.set(49, 0x0e00); // LBA, IORDY; no DMA
  words.set(50, 0x4000);
  words.set(51, 0x0200); // PIO mode 2 without IORDY
  words.set(53, 0x0003); // words 54–58 and 64–70 are valid
  words.set(54, current.cylinders);
  words.set(55, current.heads);
  words.set(56, current.sectors);
  words.wide(57, 2, current.cylinders * current.heads * current.sectors);
  words.set(59, multiple === 0 ? 0 : 0x0100 | multiple);
  words.wide(60, 2, Math.min(sectorCount, 0x0fffffff));
  words.set(64, 0x0003); // PIO modes 3 and 4
  words.set(67, 120);
  words.set(68, 120);
  words.set(80, 0x0070); // ATA/ATAPI-4, 5 and 6
  COMMAND_SET.forEach((word, i) => words.set(82 + i, word));
  words.set(85, facts.writeCache ? COMMAND_SET[0] : COMMAND_SET[0] & ~WRITE_CACHE);
  words.set(86, COMMAND_SET[1] & ~0x4000);
  words.set(87, COMMAND_SET[2]);
  words.wide(100, 4, sectorCount);
  return words.withChecksum();
}

/** Words as they go over the data port: each low byte first, text high byte first. */
export class IdentifyWords {
  readonly #bytes = new Uint8Array(512);

  set(word: number, value: number): void {
    this.#bytes[2 * word] = value;
    this.#bytes[2 * word + 1] = value >> 8;
  }

  /** A number over `count` words, the lowest first. */
  wide(word: number, count: number, value: number): void {
    for (let i = 0; i < count; i++) this.set(word + i, Math.floor(value / 0x10000 ** i) % 0x10000);
  }

  /** ASCII, cut or filled up with spaces to `length` bytes. */
  text(word: number, length: number, value: string): void {
    const padded = value.slice(0, length).padEnd(length);
    for (let i = 0; i < length; i++) this.#bytes[2 * word + (i ^ 1)] = padded.charCodeAt(i) & 0x7f;
  }

  /** All of it, with the integrity word 255: with it the bytes add up to zero. */
  withChecksum(): Uint8Array {
    this.#bytes[510] = 0xa5;
    this.#bytes[511] = 0;
    this.#bytes[511] = -this.#bytes.reduce((sum, byte) => sum + byte, 0);
    return this.#bytes;
  }
}
