/** What a CD-ROM drive answers with (SPC-3, MMC-3): bytes made from facts about the drive and the disc. */

/** Sense key, additional sense code and its qualifier (SPC-3, 4.5.6). */
export interface Sense {
  readonly key: number;
  readonly asc: number;
  readonly ascq: number;
}

export const NO_SENSE: Sense = { key: 0, asc: 0, ascq: 0 };
export const TRAY_OPEN: Sense = { key: 2, asc: 0x3a, ascq: 0x02 };
export const UNREADABLE: Sense = { key: 3, asc: 0x11, ascq: 0x00 };
export const UNKNOWN_COMMAND: Sense = { key: 5, asc: 0x20, ascq: 0x00 };
export const BEYOND_THE_END: Sense = { key: 5, asc: 0x21, ascq: 0x00 };
export const INVALID_FIELD: Sense = { key: 5, asc: 0x24, ascq: 0x00 };
export const TRAY_LOCKED: Sense = { key: 5, asc: 0x53, ascq: 0x02 };
export const DISC_CHANGED: Sense = { key: 6, asc: 0x28, ascq: 0x00 };

/** Frames of 1/75 s before sector 0 on a disc. */
const LEAD_IN_FRAMES = 150;
const LEAD_OUT_TRACK = 0xaa;
/** A data track, of which the position is told (Q sub-channel: ADR 1, control 4). */
const DATA_TRACK = 0x14;
const PROFILE_CD_ROM = 0x0008, PROFILE_DVD_ROM = 0x0010;
/** More sectors than an 80-minute CD has make a DVD. */
const LARGEST_CD = 80 * 60 * 75;
const SPEED = 706; // kB/s, 4x

export function be16(value: number): number[] {
  return [(value >> 8) & 0xff, value & 0xff];
}

export function be32(value: number): number[] {
  return [(value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

/** REQUEST SENSE: fixed format, current error. */
export function senseData({ key, asc, ascq }: Sense): number[] {
  return [0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, asc, ascq, 0, 0, 0, 0];
}

/** INQUIRY: a removable CD drive behind ATAPI. */
export function inquiryData(revision: string): number[] {
  const text = (value: string, length: number): number[] => [...Buffer.from(value.padEnd(length).slice(0, length), 'latin1')];
  return [0x05, 0x80, 0x00, 0x21, 31, 0, 0, 0, ...text('KVM-GDB', 8), ...text('CD-ROM', 16), ...text(revision, 4)];
}

/** READ TOC format 0: one data track and the lead-out; `undefined` for a first track that is not there. */
export function tableOfContents(sectors: number, firstTrack: number, msf: boolean): number[] | undefined {
  if (firstTrack > 1 && firstTrack !== LEAD_OUT_TRACK) return undefined;
  const track = (number: number, lba: number): number[] => [0, DATA_TRACK, number, 0, ...discAddress(lba, msf)];
  const tracks = [...(firstTrack <= 1 ? track(1, 0) : []), ...track(LEAD_OUT_TRACK, sectors)];
  return [...be16(2 + tracks.length), 1, 1, ...tracks];
}

/** READ TOC format 1: the last complete session is the first. */
export function sessionInformation(msf: boolean): number[] {
  return [...be16(10), 1, 1, 0, DATA_TRACK, 1, 0, ...discAddress(0, msf)];
}

function discAddress(lba: number, msf: boolean): number[] {
  if (!msf) return be32(lba);
  const frames = lba + LEAD_IN_FRAMES;
  return [0, Math.floor(frames / (60 * 75)) & 0xff, Math.floor(frames / 75) % 60, frames % 75];
}

/** READ DISC INFORMATION: a finished disc with one session and one track. */
export function discInformation(): number[] {
  return [...be16(32), 0x0e, 1, 1, 1, 1, 0x20, 0, ...new Array<number>(25).fill(0)];
}

/** MODE SENSE (10): the header and the pages asked for; `undefined` when there is no such page. */
export function modePages(page: number, locked: boolean, loaded: boolean): number[] | undefined {
  const pages = new Map([
    [0x01, [0x01, 6, 0, 5, 0, 0, 0, 0]], // read error recovery: five tries
    // CD capabilities: reads CD-R, CD-RW and DVD-ROM, mode 2, sessions; a tray that can be locked and ejects.
    [0x2a, [0x2a, 18, 0x0b, 0, 0x70, 0, 0x29 | (locked ? 0x02 : 0), 0, ...be16(SPEED), 0, 0, ...be16(512), ...be16(SPEED), 0, 0, 0, 0]],
  ]);
  const chosen = page === 0x3f ? [...pages.values()].flat() : pages.get(page);
  return chosen === undefined ? undefined : [...be16(6 + chosen.length), loaded ? 0x01 : 0x70, 0, 0, 0, 0, 0, ...chosen];
}

/** GET CONFIGURATION: `requestType` 0 and 1 list all features from `first` on, 2 the one that is asked for. */
export function configuration(sectors: number, requestType: number, first: number): number[] {
  const profile = sectors === 0 ? 0 : sectors > LARGEST_CD ? PROFILE_DVD_ROM : PROFILE_CD_ROM;
  const features: readonly (readonly [code: number, bytes: readonly number[]])[] = [
    [0x0000, [0x03, 8, ...be16(PROFILE_DVD_ROM), profile === PROFILE_DVD_ROM ? 1 : 0, 0, ...be16(PROFILE_CD_ROM), profile === PROFILE_CD_ROM ? 1 : 0, 0]],
    [0x0001, [0x0b, 8, ...be32(2), 1, 0, 0, 0]], // core: behind ATAPI
    [0x0003, [0x0b, 4, 0x29, 0, 0, 0]], // removable medium: a tray, lock and eject
  ];
  const listed = features.filter(([code]) => requestType === 2 ? code === first : code >= first);
  const bytes = listed.flatMap(([code, data]) => [...be16(code), ...data]);
  return [...be32(4 + bytes.length), 0, 0, ...be16(profile), ...bytes];
}

/** GET EVENT STATUS NOTIFICATION: the media class; `event` 0 none, 2 new medium, 3 removal. */
export function mediaEvent(event: number, trayOpen: boolean): number[] {
  return [...be16(6), 0x04, 0x10, event, trayOpen ? 0x01 : 0x02, 0, 0];
}

/** Events of classes that the drive has not: the header alone, with NEA set. */
export function noEvent(): number[] {
  return [...be16(2), 0x80, 0x10];
}
