/** An ISO image that boots (El Torito 1.0, "no emulation"), with nothing on it but the boot image and marked sectors. */

const SECTOR = 2048;
/** Where things are, in sectors; 16 and 17 are what ISO 9660 and El Torito say. */
const DESCRIPTORS = 16, BOOT_RECORD = 17, TERMINATOR = 18, CATALOG = 19, BOOT_IMAGE = 20;

/** `boot` (at most 2048 bytes) is loaded at 0000:7c00; each of `marks` is the first byte of its sector. */
export function bootableIso(boot: Uint8Array, sectors: number, marks: ReadonlyMap<number, number>): Uint8Array {
  const image = new Uint8Array(sectors * SECTOR);
  const view = new DataView(image.buffer);
  const descriptor = (sector: number, type: number): void => image.set([type, ...Buffer.from('CD001'), 1], sector * SECTOR);
  descriptor(DESCRIPTORS, 1);
  descriptor(BOOT_RECORD, 0);
  descriptor(TERMINATOR, 255);
  image.set(Buffer.from('EL TORITO SPECIFICATION'), BOOT_RECORD * SECTOR + 7);
  view.setUint32(BOOT_RECORD * SECTOR + 0x47, CATALOG, true);
  // Validation entry for 80x86, whose words add up to zero; then the default entry.
  const entry = CATALOG * SECTOR;
  image.set([1], entry);
  image.set([0x55, 0xaa], entry + 30);
  view.setUint16(entry + 28, 0x10000 - 1 - 0xaa55, true);
  image.set([0x88], entry + 32);
  view.setUint16(entry + 38, 4, true); // of 512 bytes
  view.setUint32(entry + 40, BOOT_IMAGE, true);
  image.set(boot, BOOT_IMAGE * SECTOR);
  for (const [sector, byte] of marks) image[sector * SECTOR] = byte;
  return image;
}
