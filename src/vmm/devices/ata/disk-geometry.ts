/** Cylinders, heads and sectors of a disk that has none: from what is on it, or from its size. */
import type { Geometry } from './task-file.js';

/**
 * What a BIOS makes of a geometry for INT 13h, in the numbers of SeaBIOS and Bochs (CMOS bytes 39h and 3Ah): the disk's own
 * (`none`), by size as if from LBA, or heads doubled (`large`).
 */
export type Translation = 'none' | 'lba' | 'large';

export interface DiskGeometry extends Geometry {
  readonly translation: Translation;
}

/** The most that the task file can say (ATA-5, 6.2). */
const MAXIMUM_CYLINDERS = 16383;
const MAXIMUM_HEADS = 16;
const SECTORS = 63;
const PARTITION_TABLE = 446;

/** INT 13h counts ten bits of cylinders; `large` can double 16 heads up to 128. */
const BIOS_CYLINDERS = 1024;
const LARGE_LIMIT = 131072;
const LBA_HEADS = [16, 32, 64, 128];
const MOST_BIOS_HEADS = 255;

/** Tracks of a floppy, both sides, by the sectors of its image: 320, 360 and 720 KiB, 1.2, 1.44 and 2.88 MB. */
const FLOPPIES: Readonly<Record<number, { readonly heads: number; readonly sectors: number }>> = {
  640: { heads: 2, sectors: 8 }, 720: { heads: 2, sectors: 9 }, 1440: { heads: 2, sectors: 9 },
  2400: { heads: 2, sectors: 15 }, 2880: { heads: 2, sectors: 18 }, 5760: { heads: 2, sectors: 36 },
};

/** Heads, and sectors per track. */
type Tracks = Pick<Geometry, 'heads' | 'sectors'>;

/**
 * The geometry of a disk of `sectorCount` sectors whose first sector is `first`. What the image was made with counts, for
 * its boot code reads with the same numbers: those of a partition table, of a FAT volume without one, of a floppy's size;
 * else 16 heads and 63 sectors. There are at least two cylinders, for BIOSes keep the last one for tests.
 */
export function diskGeometry(sectorCount: number, first: Uint8Array): DiskGeometry {
  const made = partitionGeometry(sectorCount, first) ?? volumeGeometry(sectorCount, first) ?? FLOPPIES[sectorCount];
  const { heads, sectors } = made !== undefined && made.heads <= MAXIMUM_HEADS ? made : { heads: MAXIMUM_HEADS, sectors: SECTORS };
  const cylinders = clamp(Math.floor(sectorCount / (heads * sectors)), 2, MAXIMUM_CYLINDERS);
  if (made !== undefined && made.heads > MAXIMUM_HEADS) {
    return { cylinders, heads, sectors, translation: cylinders * heads <= LARGE_LIMIT ? 'large' : 'lba' };
  }
  // An image made with so few heads was made for the disk's own numbers, however many cylinders that leaves out of reach.
  return { cylinders, heads, sectors, translation: made !== undefined || cylinders <= BIOS_CYLINDERS ? 'none' : 'lba' };
}

/** What INT 13h shows of a disk of `sectorCount` sectors: at most 1024 cylinders, as SeaBIOS translates (src/block.c there). */
export function int13Geometry({ cylinders, heads, sectors, translation }: DiskGeometry, sectorCount: number): Geometry {
  if (translation === 'lba') {
    const tracks = Math.floor(sectorCount / SECTORS);
    const enough = LBA_HEADS.find((count) => tracks <= count * BIOS_CYLINDERS) ?? MOST_BIOS_HEADS;
    return { cylinders: Math.min(BIOS_CYLINDERS, Math.floor(tracks / enough)), heads: enough, sectors: SECTORS };
  }
  const shift = translation === 'large' ? [0, 1, 2, 3].find((n) => cylinders >> n <= BIOS_CYLINDERS) ?? 3 : 0;
  return { cylinders: Math.min(BIOS_CYLINDERS, cylinders >> shift), heads: heads << shift, sectors };
}

/**
 * The heads and sectors that a partition's end was computed with, when the entry is right with them: partitions made on
 * cylinders end at the last sector of the last head. Code or text in place of a table does not pass.
 */
function partitionGeometry(sectorCount: number, mbr: Uint8Array): Tracks | undefined {
  if (mbr.length < 512 || mbr[510] !== 0x55 || mbr[511] !== 0xaa) return undefined;
  const view = new DataView(mbr.buffer, mbr.byteOffset, 512);
  for (let at = PARTITION_TABLE; at < PARTITION_TABLE + 64; at += 16) {
    const [active, , , , type, endHead, endSector, endCylinder] = mbr.subarray(at, at + 8);
    const end = view.getUint32(at + 8, true) + view.getUint32(at + 12, true);
    const heads = endHead + 1, sectors = endSector & 0x3f;
    const cylinder = endCylinder | ((endSector & 0xc0) << 2);
    if ((active !== 0 && active !== 0x80) || type === 0 || sectors === 0 || end > sectorCount) continue;
    const inReach = (cylinder + 1) * heads * sectors;
    // Cylinder 1023 stands for all beyond it.
    if (inReach === end || (cylinder === BIOS_CYLINDERS - 1 && end > inReach && end % (heads * sectors) === 0)) return { heads, sectors };
  }
  return undefined;
}

/**
 * Heads and sectors in the BIOS parameter block of a FAT volume that is the whole disk (Microsoft FAT specification 1.03,
 * "Boot Sector and BPB"), as floppy images have it.
 */
function volumeGeometry(sectorCount: number, boot: Uint8Array): Tracks | undefined {
  if (boot.length < 512 || (boot[0] !== 0xeb && boot[0] !== 0xe9)) return undefined;
  const view = new DataView(boot.buffer, boot.byteOffset, 512);
  const small = view.getUint16(0x13, true);
  const total = small === 0 ? view.getUint32(0x20, true) : small;
  const sectors = view.getUint16(0x18, true), heads = view.getUint16(0x1a, true);
  const plausible = view.getUint16(0x0b, true) === 512 && total === sectorCount && sectors >= 1 && sectors <= SECTORS && heads >= 1 && heads <= 255;
  return plausible ? { heads, sectors } : undefined;
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}
