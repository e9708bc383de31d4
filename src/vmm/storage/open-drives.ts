/** Opens the images of a machine's drives. */
import { GuestError } from '../boot/boot-options.js';
import { CD_SECTOR, DISK_SECTOR, type BlockImage, type ImageLog } from './block-image.js';
import type { DrivePlace } from './disk-choice.js';
import { FileImage } from './file-image.js';
import { SnapshotImage } from './snapshot-image.js';

export interface OpenDrive extends DrivePlace {
  readonly image: BlockImage;
}

/**
 * Opens the images, in the order given. Throws GuestError with one sentence, and then none is left open: no such image,
 * or one file by two names (a hard or symbolic link).
 */
export function openDrives(places: readonly DrivePlace[], log: ImageLog = () => undefined): readonly OpenDrive[] {
  const opened: OpenDrive[] = [];
  const paths = new Map<string, string>();
  try {
    for (const place of places) {
      const sectorSize = place.kind === 'cdrom' ? CD_SECTOR : DISK_SECTOR;
      const file = new FileImage(place.path, place.mode === 'write', sectorSize, log);
      opened.push({ ...place, image: place.mode === 'snapshot' ? new SnapshotImage(file, log) : file });
      const identity = `${file.identity.device}:${file.identity.inode}`;
      const other = paths.get(identity);
      if (other !== undefined) throw new GuestError(`${other} and ${place.path} are the same file; a file can be only one drive.`);
      paths.set(identity, place.path);
    }
  } catch (error) {
    closeDrives(opened);
    throw error;
  }
  return opened;
}

export function closeDrives(drives: readonly OpenDrive[]): void {
  for (const { image } of drives) image.close();
}
