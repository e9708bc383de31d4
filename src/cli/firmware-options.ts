/** How a machine starts when more than one file has a say: a guest, a firmware ROM, drives. */
import { GuestError } from '../vmm/boot/boot-options.js';
import { parseBootOrder, type BootDevice } from '../vmm/boot/boot-order.js';
import { lookAtGuest, type GuestLook } from '../vmm/boot/guest-look.js';
import { findSeabios } from '../vmm/boot/seabios.js';
import type { IrqchipKind } from '../vmm/irqchip/interrupt-controllers.js';
import { chooseDrives, type DriveArguments, type DrivePlace } from '../vmm/storage/disk-choice.js';
import { UsageError } from './usage-error.js';

/** Options that say how the guest file is loaded, which firmware does by itself; it hands some of them on to a Linux kernel. */
const FOR_GUESTS_WITHOUT_FIRMWARE = ['boot', 'load', 'entry', 'mode', 'append', 'module'] as const;
const FOR_KERNELS: readonly string[] = ['append', 'module'];

/** What chooses where nobody says: tests have their own. */
export interface StartSurroundings {
  readonly lookAt: (path: string) => GuestLook;
  readonly hasSeabios: () => boolean;
}

const THIS_MACHINE: StartSurroundings = { lookAt: lookAtGuest, hasSeabios: () => findSeabios() !== undefined };

/** As typed. */
export interface StartArguments extends DriveArguments {
  readonly guest: string | undefined;
  readonly firmware: string | undefined;
  readonly irqchip: 'none' | IrqchipKind | undefined;
  /** `--boot-order`. */
  readonly bootOrder?: string;
  /** Names of the options that were given. */
  readonly given: ReadonlySet<string>;
}

export interface StartOptions {
  /** The guest that is loaded; none with firmware, which starts from a drive. */
  readonly guest?: string;
  /** Path of a ROM, or `seabios`. */
  readonly firmware?: string;
  /** The Linux kernel that the firmware boots. */
  readonly kernel?: string;
  /** What the firmware boots first. */
  readonly bootOrder?: readonly BootDevice[];
  /** The guest is a disk whose first sector is started, with the BIOS services of this program. */
  readonly builtinBios: boolean;
  readonly drives: readonly DrivePlace[];
  /** Absent: as the guest needs it. */
  readonly irqchip?: 'none' | IrqchipKind;
  /** What was chosen for a disk without a word about it: a sentence for the person at the console. */
  readonly choice?: string;
}

/** Throws UsageError with one sentence. */
export function chooseStart(typed: StartArguments, surroundings: StartSurroundings = THIS_MACHINE): StartOptions {
  if (typed.firmware === '') throw new UsageError('--firmware takes a ROM file, seabios, builtin or none.');
  if (typed.firmware !== undefined) return startAsSaid(typed.firmware, typed, surroundings);
  const { guest, disk = [], cdrom, floppy } = typed;
  if (guest === undefined) return startWith(disk.length > 0 || cdrom !== undefined || floppy !== undefined ? 'seabios' : 'none', typed);
  if (FOR_GUESTS_WITHOUT_FIRMWARE.some((name) => typed.given.has(name))) return startWith('none', typed);
  switch (surroundings.lookAt(guest)) {
    case 'linux': case 'program': case 'bytes': return startWith('none', typed);
    // Nothing but what the sector does: no chip has a say unless it is asked for.
    case 'boot-sector': return startWith('builtin', { ...typed, irqchip: typed.irqchip ?? 'none' });
    case 'cdrom': return startWith('seabios', asCdrom(guest, typed));
    case 'disk': return startDisk(guest, typed, surroundings);
  }
}

/** With `--firmware`: the guest is what a ROM boots, by its content. */
function startAsSaid(firmware: string, typed: StartArguments, { lookAt }: StartSurroundings): StartOptions {
  const { guest } = typed;
  if (firmware === 'none' || firmware === 'builtin' || guest === undefined || guest === '') return startWith(firmware, typed);
  switch (lookAt(guest)) {
    case 'linux': return { ...startWith(firmware, { ...typed, guest: undefined }, guest), kernel: guest };
    case 'cdrom': return startWith(firmware, asCdrom(guest, typed));
    case 'program': throw new UsageError(`${guest} is an ELF or Multiboot kernel, and firmware boots disks, CD-ROMs and Linux kernels; leave --firmware out.`);
    default: return startWith(firmware, typed);
  }
}

function asCdrom(guest: string, typed: StartArguments): StartArguments {
  if (typed.cdrom !== undefined) throw new UsageError(`${guest} is a CD-ROM image, and --cdrom ${typed.cdrom} is another; there is one drive.`);
  return { ...typed, guest: undefined, cdrom: guest };
}

/** A disk with nothing said about firmware: a PC's BIOS starts it, where there is one. */
function startDisk(guest: string, typed: StartArguments, { hasSeabios }: StartSurroundings): StartOptions {
  if (typed.irqchip === 'none') return startWith('builtin', typed);
  if (hasSeabios()) {
    return {
      ...startWith('seabios', typed),
      choice: `${guest} is a disk: SeaBIOS starts it (--stop-at boot-sector goes on to its first sector, --firmware builtin starts that at once).`,
    };
  }
  return { ...startWith('builtin', typed), choice: `${guest} is a disk, and SeaBIOS is not installed (apt-get install seabios): the built-in BIOS starts its first sector.` };
}

/** `kernel`: what the firmware boots besides its drives. */
function startWith(firmware: string, { guest, irqchip, given, bootOrder, disk = [], ...rest }: StartArguments, kernel?: string): StartOptions {
  if (bootOrder !== undefined && (firmware === 'none' || firmware === 'builtin')) {
    throw new UsageError('--boot-order is for firmware, and this guest is started without; leave it out, or add --firmware seabios.');
  }
  if (firmware === 'none') {
    if (guest === undefined || guest === '') throw new UsageError('Which guest? Give the file of a boot sector, an image or a kernel, or --firmware.');
    return { guest, builtinBios: false, drives: drives({ disk, ...rest }), ...(irqchip !== undefined && { irqchip }) };
  }
  const misplaced = FOR_GUESTS_WITHOUT_FIRMWARE.find((name) => given.has(name) && (kernel === undefined || !FOR_KERNELS.includes(name)));
  if (misplaced !== undefined) {
    throw new UsageError(`--${misplaced} is for a guest that is started without firmware; leave it out, or add --firmware none.`);
  }
  if (guest === '') throw new UsageError('Which disk? The guest with --firmware is the image of the first hard disk.');
  const disks = guest === undefined ? disk : [`${guest},snapshot`, ...disk];
  if (firmware === 'builtin') {
    if (guest === undefined) throw new UsageError('Which disk? The built-in BIOS starts the boot sector of the image that is given as the guest.');
    return { guest, builtinBios: true, drives: drives({ disk: disks, ...rest }), irqchip: irqchip ?? 'kernel' };
  }
  if (irqchip === 'none') throw new UsageError('Firmware needs the interrupt controllers of a PC; leave --irqchip none out.');
  const places = drives({ disk: disks, ...rest });
  const order = bootOrder === undefined ? undefined : inWords(() => parseBootOrder(bootOrder, places, kernel !== undefined));
  return { firmware, builtinBios: false, drives: places, ...(order !== undefined && { bootOrder: order }), irqchip: irqchip ?? 'kernel' };
}

function drives(typed: DriveArguments): readonly DrivePlace[] {
  return inWords(() => chooseDrives(typed));
}

/** What cannot be meant is a wrong command line. */
function inWords<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof GuestError ? new UsageError(error.message, { cause: error }) : error;
  }
}
