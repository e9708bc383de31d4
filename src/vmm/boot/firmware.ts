/**
 * Firmware: a ROM whose last byte lies at FFFF_FFFFH, so that its last 16 bytes are the reset vector. Its last 128 KiB are
 * below 1 MiB too, where real mode reaches them (Intel 82371SB datasheet, XBCS: the BIOS ranges E0000–FFFFF).
 */
import { HIGH_RAM_BASE } from '../guest-memory.js';
import { MEBIBYTE } from '../memory-size.js';
import { GuestError, formatRange, type MemoryWrite } from './boot-options.js';

/** Below are the pages that KVM needs for itself (`openVm`). */
const LARGEST = 16 * MEBIBYTE;
const ALIAS_SIZE = 128 * 1024;
const PAGE = 4096;
const VECTOR_SIZE = 16;

export interface FirmwareImage {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The video BIOS that the video card has in its ROM; none when absent. */
  readonly videoRom?: Uint8Array;
}

/** What makes a machine start with firmware, again at each reset. */
export interface LoadedFirmware {
  readonly name: string;
  /** The whole image, to be a ROM. */
  readonly rom: MemoryWrite;
  /** The ROM, and its end once more in RAM, where the guest may write it (docs/decisions/0014-shadow-ram.md). */
  readonly writes: readonly [rom: MemoryWrite, alias: MemoryWrite];
  readonly notes: readonly string[];
}

/** Places a ROM. Throws GuestError when its size cannot be that of one. */
export function loadFirmware({ name, bytes }: FirmwareImage): LoadedFirmware {
  if (bytes.length === 0 || bytes.length % PAGE !== 0) {
    throw new GuestError(`${name} has ${bytes.length} bytes, and a firmware ROM is a whole number of 4 KiB pages; give the ROM image itself.`);
  }
  if (bytes.length > LARGEST) {
    throw new GuestError(`${name} has ${bytes.length} bytes, and there is room for 16 MiB of firmware below 4 GiB; give a ROM image.`);
  }
  const vector = bytes.subarray(bytes.length - VECTOR_SIZE);
  if (vector.every((byte) => byte === vector[0])) {
    throw new GuestError(`${name} has no code at its reset vector, its last ${VECTOR_SIZE} bytes; is it a ROM image?`);
  }
  const start = HIGH_RAM_BASE - bytes.length;
  const alias = bytes.subarray(Math.max(0, bytes.length - ALIAS_SIZE));
  const rom = { address: BigInt(start), bytes };
  return {
    name, rom,
    writes: [rom, { address: BigInt(MEBIBYTE - alias.length), bytes: alias }],
    notes: [`firmware at ${formatRange(start, bytes.length)}, its last ${alias.length / 1024} KiB also at ${formatRange(MEBIBYTE - alias.length, alias.length)}`, 'first instruction at f000:fff0'],
  };
}
