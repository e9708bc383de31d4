/** Cylinders, heads and sectors of a disk that has none: from its partition table, or from its size. */
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

/**
 * The geometry of a disk of `sectorCount` sectors whose first sector is `mbr`. What a partition table was made with counts,
 * for the boot code behind it reads with the same numbers; else 16 heads and 63 sectors, and at least two cylinders, for
 * BIOSes keep the last one for tests.
 */
export function diskGeometry(sectorCount: number, mbr: Uint8Array): DiskGeometry {
  const made = partitionGeometry(sectorCount, mbr);
  const { heads, sectors } = made !== undefined && made.heads <= MAXIMUM_HEADS ? made : { heads: MAXIMUM_HEADS, sectors: SECTORS };
  const cylinders = clamp(Math.floor(sectorCount / (heads * sectors)), 2, MAXIMUM_CYLINDERS);
  if (made !== undefined && made.heads > MAXIMUM_HEADS) {
    return { cylinders, heads, sectors, translation: cylinders * heads <= LARGE_LIMIT ? 'large' : 'lba' };
  }
  // A table made with so few heads was made for the disk's own numbers, however many cylinders that leaves out of reach.
  return { cylinders, heads, sectors, translation: made !== undefined || cylinders <= BIOS_CYLINDERS ? 'none' : 'lba' };
}

/**
 * The heads and sectors that a partition's end was computed with, when the entry is right with them: partitions made on
 * cylinders end at the last sector of the last head. Code or text in place of a table does not pass.
 */
function partitionGeometry(sectorCount: number, mbr: Uint8Array): { heads: number; sectors: number } | undefined {
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

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}
