/** From the options of `run` to a machine: its files are opened, its guest or firmware is loaded. */
import { basename, resolve } from 'node:path';
import { GuestError } from '../vmm/boot/boot-options.js';
import { nothingBootable } from '../vmm/boot/bootable.js';
import { parseElf } from '../vmm/boot/elf.js';
import type { FirmwareImage } from '../vmm/boot/firmware.js';
import { readBootModule, readGuestFile } from '../vmm/boot/guest-file.js';
import { asksBios } from '../vmm/boot/linux.js';
import { hasBootSignature } from '../vmm/boot/mbr.js';
import { findVideoBios, requireSeabios } from '../vmm/boot/seabios.js';
import { findSymbols } from '../vmm/boot/symbol-file.js';
import type { GuestSource } from '../vmm/machine-options.js';
import { Machine } from '../vmm/machine.js';
import type { SerialBackend } from '../vmm/serial/serial-backend.js';
import { DISK_SECTOR } from '../vmm/storage/block-image.js';
import { closeDrives, openDrives, type OpenDrive } from '../vmm/storage/open-drives.js';
import { LineLog } from './line-log.js';
import type { RunOptions } from './run-options.js';

export interface CreatedMachine {
  readonly machine: Machine;
  /** What it runs, as typed: the guest, or the firmware. */
  readonly title: string;
  /** Absolute path of a file with the guest's symbols. */
  readonly executable?: string;
  /** Linear: where what firmware boots begins: the entry of the file that --symbols names for a disk, or a kernel's setup code. */
  readonly entry?: bigint;
  /** Closes the machine and its images. */
  readonly close: () => void;
}

/** Throws GuestError, RangeError or NativeError with one sentence; nothing stays open then. */
export function createMachine(options: RunOptions, serial: SerialBackend, say: (sentence: string) => void): CreatedMachine {
  const { memory, cpu, cpus, guest, firmware } = options;
  const kernel = options.kernel === undefined ? undefined : readGuest(options.kernel, options);
  const symbols = options.symbols === undefined || (guest !== undefined && !options.builtinBios) || kernel !== undefined ? undefined : readSymbols(options.symbols);
  const rom = firmware === undefined ? undefined : readGuestFile(firmware === 'seabios' ? requireSeabios() : firmware, 'ROM');
  const drives = openDrives(options.drives, say);
  try {
    const warning = rom !== undefined && kernel === undefined ? nothingBootable(drives) : undefined;
    if (warning !== undefined) say(warning);
    const source = guest === undefined ? undefined : options.builtinBios ? bootSector(guest, drives) : readGuest(guest, options);
    // Who asks a BIOS counts on its clock.
    const irqchip = options.irqchip ?? (source !== undefined && asksBios(source.bytes, source.name, source.mode) ? 'kernel' : 'none');
    const machine = Machine.create({
      cpus, irqchip, serial, drives, clock: options.clock,
      log: say,
      // Firmware is talkative there, and every letter costs an exit.
      ...(rom !== undefined && { firmwareConsole: options.log.has('firmware') ? new LineLog((line) => say(`firmware ${line}`)) : null }),
      ...(memory !== undefined && { memory }),
      ...(cpu !== undefined && { cpu }),
      ...(rom !== undefined && { firmware: { ...withVideoBios(rom), ...(kernel !== undefined && { kernel }), ...(options.bootOrder !== undefined && { bootOrder: options.bootOrder }) } }),
      ...(source !== undefined && { guest: source }),
      ...(options.builtinBios && { bios: { disks: drives.filter(({ kind }) => kind === 'disk').map(({ image }) => image) } }),
    });
    // In --gdb the terminal's input is gdb's.
    if (!options.gdb) serial.onInput((bytes) => machine.serial.receive(bytes));
    const entry = symbols?.entry ?? machine.firmware?.kernelEntry;
    const executable = symbols?.path ?? machine.guest?.executable ?? kernel?.symbols;
    return {
      machine,
      title: guest ?? options.kernel ?? (rom === undefined ? 'nothing' : basename(rom.path)),
      ...(executable !== undefined && { executable }),
      ...(entry !== undefined && { entry }),
      close: () => {
        machine.close();
        closeDrives(drives);
      },
    };
  } catch (error) {
    closeDrives(drives);
    throw error;
  }
}

/** An ELF file that says what is on a disk. Throws GuestError when it is none. */
function readSymbols(path: string): { path: string; entry: bigint } {
  const file = readGuestFile(path);
  return { path: findSymbols(file, path) ?? file.path, entry: parseElf(file.bytes, path).entry };
}

/**
 * A PC's video card brings a BIOS of its own. U-Boot interprets it instruction by instruction, which takes minutes where KVM itself
 * is an interpreter, and shows nothing that is not on its serial line.
 */
function withVideoBios(firmware: FirmwareImage): FirmwareImage {
  const path = Buffer.from(firmware.bytes).includes('U-Boot') ? undefined : findVideoBios();
  return path === undefined ? firmware : { ...firmware, videoRom: readGuestFile(path).bytes };
}

/** The first sector of the first disk, which is the guest. Throws GuestError where a BIOS would not boot it. */
function bootSector(path: string, drives: readonly OpenDrive[]): GuestSource {
  const bytes = new Uint8Array(DISK_SECTOR);
  drives[0].image.read(0, bytes);
  if (!hasBootSignature(bytes)) throw new GuestError(`${path} has no boot sector: its first sector does not end in 55 AA.`);
  return { bytes, name: path, path: resolve(path), boot: 'mbr' };
}

function readGuest(path: string, { boot, load, entry, mode, commandLine, modules, symbols: typed }: RunOptions): GuestSource {
  const file = readGuestFile(path);
  const symbols = findSymbols(file, typed);
  return {
    ...file,
    modules: modules.map(readBootModule),
    ...(boot !== undefined && { boot }),
    ...(load !== undefined && { load }),
    ...(entry !== undefined && { entry }),
    ...(mode !== undefined && { mode }),
    ...(commandLine !== undefined && { commandLine }),
    ...(symbols !== undefined && { symbols }),
  };
}
