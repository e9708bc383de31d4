/**
 * A boot sector, started as a BIOS starts it: the first 512 bytes at 0000:7C00, DL = 80h for the first hard disk
 * (Phoenix/Compaq/Intel BIOS Boot Specification 1.01, 6.5.1; the El Torito and PnP entry registers are not given).
 */
import { requireRam, type BootOptions, type LoadedGuest } from './boot-options.js';
import { realMode } from './cpu-modes.js';

export const SECTOR_SIZE = 512;
const BOOT_ADDRESS = 0x7c00;
const FIRST_HARD_DISK = 0x80n;

/** Starts the first sector at 0000:7C00 with DL = 80h, as a BIOS does. Throws GuestError when RAM ends below. */
export function loadMbr(file: Uint8Array, options: BootOptions): LoadedGuest {
  requireRam(options.ram, 'The boot sector', BOOT_ADDRESS, SECTOR_SIZE);
  const notes = ['boot sector at 0000:7c00, DL=80h'];
  if (file.length > SECTOR_SIZE) {
    notes.push(`only the first sector is loaded, as a BIOS does; the other ${file.length - SECTOR_SIZE} bytes are on a disk that it cannot reach: --firmware builtin or seabios has INT 13h, --boot flat loads them all`);
  }
  return {
    kind: 'mbr',
    writes: [{ address: BigInt(BOOT_ADDRESS), bytes: file.subarray(0, SECTOR_SIZE) }],
    cpu: realMode(0, BOOT_ADDRESS, BOOT_ADDRESS, { rdx: FIRST_HARD_DISK }),
    entry: BigInt(BOOT_ADDRESS),
    notes,
  };
}

/** Whether the file's first sector carries the boot signature 55 AA. */
export function hasBootSignature(file: Uint8Array): boolean {
  return file.length >= SECTOR_SIZE && file[510] === 0x55 && file[511] === 0xaa;
}
