/** Whether a BIOS would boot from a drive, told before the guest has to say so on its screen. */
import { CD_SECTOR, DISK_SECTOR, ImageError } from '../storage/block-image.js';
import type { OpenDrive } from '../storage/open-drives.js';
import { hasBootSignature } from './mbr.js';

/** The boot record volume descriptor (El Torito 1.0, figure 7): type 0, "CD001", version 1, and its system identifier. */
const BOOT_RECORD_SECTOR = 17;
const BOOT_RECORD = Buffer.from('\0CD001\x01EL TORITO SPECIFICATION', 'latin1');

/** One sentence when none of `drives` can be booted; undefined when one can, or there is none. */
export function nothingBootable(drives: readonly Pick<OpenDrive, 'kind' | 'image'>[]): string | undefined {
  const reasons = drives.map(whyNot).filter((reason) => reason !== undefined);
  if (drives.length === 0 || reasons.length < drives.length) return undefined;
  return `The firmware will find nothing to boot: ${reasons.join(', and ')}.`;
}

function whyNot({ kind, image }: Pick<OpenDrive, 'kind' | 'image'>): string | undefined {
  const isCdrom = kind === 'cdrom';
  const head = new Uint8Array(isCdrom ? BOOT_RECORD.length : DISK_SECTOR);
  const at = isCdrom ? BOOT_RECORD_SECTOR * CD_SECTOR : 0;
  if (at + head.length <= image.size) {
    try {
      image.read(at, head);
    } catch (error) {
      if (error instanceof ImageError) return undefined; // has its own sentence
      throw error;
    }
  }
  if (isCdrom) return BOOT_RECORD.equals(head) ? undefined : `${image.name} has no El Torito boot record`;
  return hasBootSignature(head) ? undefined : `the first sector of ${image.name} does not end in 55 AA`;
}
