/** How a machine starts when more than one file has a say: a guest, a firmware ROM, drives. */
import { GuestError } from '../vmm/boot/boot-options.js';
import { chooseDrives, type DriveArguments, type DrivePlace } from '../vmm/storage/disk-choice.js';
import { UsageError } from './usage-error.js';

/** Options that say how the guest file is loaded, which firmware does by itself. */
const FOR_GUESTS_WITHOUT_FIRMWARE = ['boot', 'load', 'entry', 'mode', 'append', 'module', 'symbols'] as const;

/** As typed. */
export interface StartArguments extends DriveArguments {
  readonly guest: string | undefined;
  readonly firmware: string | undefined;
  readonly irqchip: 'none' | 'kernel' | undefined;
  /** Names of the options that were given. */
  readonly given: ReadonlySet<string>;
}

export interface StartOptions {
  /** The guest that is loaded; none with firmware, which starts from a drive. */
  readonly guest?: string;
  /** Path of a ROM, or `seabios`. */
  readonly firmware?: string;
  /** The guest is a disk whose first sector is started, with the BIOS services of this program. */
  readonly builtinBios: boolean;
  readonly drives: readonly DrivePlace[];
  readonly irqchip: 'none' | 'kernel';
}

/** Throws UsageError with one sentence. */
export function chooseStart({ guest, firmware, irqchip, given, disk = [], ...rest }: StartArguments): StartOptions {
  if (firmware === '') throw new UsageError('--firmware takes a ROM file, seabios, builtin or none.');
  const hasDrives = disk.length > 0 || rest.cdrom !== undefined || rest.floppy !== undefined;
  const rom = firmware ?? (guest === undefined && hasDrives ? 'seabios' : 'none');
  if (rom === 'none') {
    if (guest === undefined || guest === '') throw new UsageError('Which guest? Give the file of a boot sector, an image or a kernel, or --firmware.');
    return { guest, builtinBios: false, drives: drives({ disk, ...rest }), irqchip: irqchip ?? 'none' };
  }
  const misplaced = FOR_GUESTS_WITHOUT_FIRMWARE.find((name) => given.has(name));
  if (misplaced !== undefined) {
    throw new UsageError(`--${misplaced} is for a guest that is started without firmware; leave it out, or add --firmware none.`);
  }
  if (guest === '') throw new UsageError('Which disk? The guest with --firmware is the image of the first hard disk.');
  const disks = guest === undefined ? disk : [`${guest},snapshot`, ...disk];
  if (rom === 'builtin') {
    if (guest === undefined) throw new UsageError('Which disk? The built-in BIOS starts the boot sector of the image that is given as the guest.');
    return { guest, builtinBios: true, drives: drives({ disk: disks, ...rest }), irqchip: irqchip ?? 'none' };
  }
  if (irqchip === 'none') throw new UsageError('Firmware needs the interrupt controllers of a PC; leave --irqchip none out.');
  return { firmware: rom, builtinBios: false, drives: drives({ disk: disks, ...rest }), irqchip: 'kernel' };
}

function drives(typed: DriveArguments): readonly DrivePlace[] {
  try {
    return chooseDrives(typed);
  } catch (error) {
    throw error instanceof GuestError ? new UsageError(error.message, { cause: error }) : error;
  }
}
