/** Where distributions install SeaBIOS, the usual free PC BIOS. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { GuestError } from './boot-options.js';

/** Debian's package first, then where QEMU brings its own copy. */
const FOLDERS = ['/usr/share/seabios', '/usr/share/qemu', '/usr/local/share/qemu', '/usr/share/seavgabios', '/usr/share/kvm'];
/** SeaBIOS's video BIOS for the card that this machine has. */
const VIDEO_FILE = 'vgabios-stdvga.bin';
/** The larger build has all drivers. */
const FILES = ['bios-256k.bin', 'bios.bin'];

/** Path of SeaBIOS's ROM, if it is installed. */
export function findSeabios(folders: readonly string[] = FOLDERS): string | undefined {
  return folders.flatMap((folder) => FILES.map((file) => join(folder, file))).find((path) => existsSync(path));
}

/** Path of the video BIOS, if it is installed. */
export function findVideoBios(folders: readonly string[] = FOLDERS): string | undefined {
  return folders.map((folder) => join(folder, VIDEO_FILE)).find((path) => existsSync(path));
}

/** Path of SeaBIOS's ROM. Throws GuestError with the name of the package that is missing. */
export function requireSeabios(folders?: readonly string[]): string {
  const path = findSeabios(folders);
  if (path !== undefined) return path;
  throw new GuestError('SeaBIOS is not installed; install the package seabios (apt-get install seabios), or name a ROM with --firmware FILE.');
}
