/** Disks as people type them, and where they sit on the two IDE channels of a PC. Pure: no file is looked at. */
import { resolve } from 'node:path';
import { GuestError } from '../boot/boot-options.js';

/**
 * What becomes of the guest's writes: `snapshot` keeps them beside the image until the machine ends, `write` puts them
 * into the image, `readonly` refuses them.
 */
export type DiskMode = 'snapshot' | 'readonly' | 'write';

export interface DiskChoice {
  readonly path: string;
  readonly mode: DiskMode;
}

/** The options of the command line, as typed. */
export interface DriveArguments {
  /** `--disk FILE[,readonly|snapshot|write]`. */
  readonly disk?: readonly string[];
  /** `--cdrom FILE`. */
  readonly cdrom?: string;
  /** `--floppy FILE`. */
  readonly floppy?: string;
}

/** A drive and its place: channel 0 is the primary one (ports 1F0, IRQ 14), unit 0 the master. */
export interface DrivePlace extends DiskChoice {
  readonly kind: 'disk' | 'cdrom';
  readonly channel: 0 | 1;
  readonly unit: 0 | 1;
}

const MODES: readonly string[] = ['snapshot', 'readonly', 'write'];

/** Where a CD-ROM is looked for first: the master of the secondary channel. */
const CDROM_PLACE = 2;

/**
 * `FILE[,MODE]`, snapshot without a mode. A file whose own name ends in a comma and a word needs its mode spelled out.
 * Throws GuestError with one sentence.
 */
export function parseDisk(text: string): DiskChoice {
  const comma = text.lastIndexOf(',');
  const word = comma < 0 ? '' : text.slice(comma + 1);
  const path = comma < 0 ? text : text.slice(0, comma);
  if (MODES.includes(word)) {
    if (path === '') throw new GuestError(`--disk ${text} names no file; write FILE,${word}.`);
    return { path, mode: word as DiskMode };
  }
  if (comma >= 0 && /^[a-z]*$/i.test(word)) {
    throw new GuestError(`--disk ${text}: "${word}" is not a way to open a disk; write readonly, snapshot or write after the comma (a file with this name: ${text},snapshot).`);
  }
  if (text === '') throw new GuestError('--disk takes FILE[,readonly|snapshot|write], and no file was given.');
  return { path: text, mode: 'snapshot' };
}

/**
 * The drives of a machine, in the order of their places. Throws GuestError for what cannot be: more than four drives,
 * one file twice, a floppy.
 */
export function chooseDrives({ disk = [], cdrom, floppy }: DriveArguments): readonly DrivePlace[] {
  if (floppy !== undefined) {
    throw new GuestError(`--floppy ${floppy}: there is no floppy controller; give the image as --disk ${floppy}, which boots the same boot sector with DL=80h instead of 00h.`);
  }
  if (cdrom === '') throw new GuestError('--cdrom takes FILE, and no file was given.');
  const disks = disk.map(parseDisk);
  const room = cdrom === undefined ? 4 : 3;
  if (disks.length > room) {
    throw new GuestError(`${disks.length} disks${cdrom === undefined ? '' : ' and a CD-ROM'} are too many: the two IDE channels have four places.`);
  }
  refuseTwice([...disks.map(({ path }) => path), ...(cdrom === undefined ? [] : [cdrom])]);
  const free = [0, 1, 2, 3].filter((place) => cdrom === undefined || place !== CDROM_PLACE);
  const places = disks.map((choice, i) => at(free[i], { kind: 'disk', ...choice }));
  if (cdrom !== undefined) places.push(at(CDROM_PLACE, { kind: 'cdrom', path: cdrom, mode: 'readonly' }));
  return places.sort((a, b) => 2 * (a.channel - b.channel) + a.unit - b.unit);
}

function at(place: number, drive: Omit<DrivePlace, 'channel' | 'unit'>): DrivePlace {
  return { ...drive, channel: (place >> 1) as 0 | 1, unit: (place & 1) as 0 | 1 };
}

function refuseTwice(paths: readonly string[]): void {
  const seen = new Set<string>();
  for (const path of paths) {
    const whole = resolve(path);
    if (seen.has(whole)) throw new GuestError(`${path} is given twice; a file can be only one drive.`);
    seen.add(whole);
  }
}
