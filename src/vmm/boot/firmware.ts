/**
 * Firmware: a ROM whose last byte lies at FFFF_FFFFH, so that its last 16 bytes are the reset vector. Its last 128 KiB are
 * below 1 MiB too, where real mode reaches them (Intel 82371SB datasheet, XBCS: the BIOS ranges E0000–FFFFF).
 */
import type { FirmwareConfig } from '../devices/fw-cfg-items.js';
import { HIGH_RAM_BASE, type MemoryRegion } from '../guest-memory.js';
import { MEBIBYTE } from '../memory-size.js';
import type { DrivePlace } from '../storage/disk-choice.js';
import { GuestError, formatRange, type BootOptions, type MemoryWrite } from './boot-options.js';
import { bootKinds, orderConfig, type BootDevice } from './boot-order.js';
import { LINUX_BOOT_ROM, linuxBootRom } from './linux-boot-rom.js';
import { loadBySetupCode, type SetupCodeKernel } from './linux.js';

/** Below are the pages that KVM needs for itself (`openVm`). */
const LARGEST = 16 * MEBIBYTE;
const ALIAS_SIZE = 128 * 1024;
/** SeaBIOS takes up to 256 KiB (src/config.h there, BUILD_MAX_HIGHTABLE); what it needs no more is the system's. */
const FOR_TABLES = MEBIBYTE;
const PAGE = 4096;
const VECTOR_SIZE = 16;

export interface FirmwareImage {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The video BIOS that the video card has in its ROM; none when absent. */
  readonly videoRom?: Uint8Array;
  /** What it is to boot, the first of them first; as it likes when absent. */
  readonly bootOrder?: readonly BootDevice[];
  /** A Linux kernel that it finds in fw_cfg, with an option ROM that boots it; first in the order unless that names it. */
  readonly kernel?: Omit<BootOptions, 'ram'> & { readonly bytes: Uint8Array };
}

/** What makes a machine start with firmware, again at each reset. */
export interface LoadedFirmware {
  readonly name: string;
  /** The whole image, to be a ROM. */
  readonly rom: MemoryWrite;
  /** The ROM, and its end once more in RAM, where the guest may write it (docs/decisions/0014-shadow-ram.md). */
  readonly writes: readonly [rom: MemoryWrite, alias: MemoryWrite];
  /** What fw_cfg tells it. */
  readonly config: Pick<FirmwareConfig, 'bootOrder' | 'bootMenu' | 'kernel' | 'files'>;
  /** What CMOS tells it to boot first. */
  readonly bootKinds: readonly DrivePlace['kind'][];
  /** Linear address of the kernel's first instruction. */
  readonly kernelEntry?: bigint;
  readonly notes: readonly string[];
}

/** Places a ROM. Throws GuestError when its size cannot be that of one, or for a kernel that cannot be placed. */
export function loadFirmware({ name, bytes, bootOrder, kernel: source }: FirmwareImage, ram: readonly MemoryRegion[]): LoadedFirmware {
  if (bytes.length === 0 || bytes.length % PAGE !== 0) {
    throw new GuestError(`${name} has ${bytes.length} bytes, and a firmware ROM is a whole number of 4 KiB pages; give the ROM image itself.`);
  }
  if (bytes.length > LARGEST) {
    throw new GuestError(`${name} has ${bytes.length} bytes, and there is room for 16 MiB of firmware below 4 GiB; give a ROM image.`);
  }
  const vector = bytes.subarray(bytes.length - VECTOR_SIZE);
  if (vector.every((byte) => byte === vector[0])) {
    throw new GuestError(`${name} has no code at its reset vector, its last ${VECTOR_SIZE} bytes; is it a ROM image?`);
  }
  const start = HIGH_RAM_BASE - bytes.length;
  const alias = bytes.subarray(Math.max(0, bytes.length - ALIAS_SIZE));
  const rom = { address: BigInt(start), bytes };
  // At 1 MiB, as in QEMU: there are firmwares that look nowhere else.
  const kernel = source === undefined ? undefined : loadBySetupCode(source.bytes, { ...source, ram: belowFirmware(ram) }, true);
  return {
    name, rom, bootKinds: bootKinds(bootOrder ?? []),
    config: { ...orderConfig(bootOrder, kernel !== undefined), ...(kernel !== undefined && kernelConfig(kernel)) },
    ...(kernel !== undefined && { kernelEntry: kernel.entry }),
    writes: [rom, { address: BigInt(MEBIBYTE - alias.length), bytes: alias }],
    notes: [`firmware at ${formatRange(start, bytes.length)}, its last ${alias.length / 1024} KiB also at ${formatRange(MEBIBYTE - alias.length, alias.length)}`, 'first instruction at f000:fff0', ...kernel?.notes ?? []],
  };
}

/** Firmware keeps tables at the end of the RAM below 4 GiB. */
function belowFirmware(ram: readonly MemoryRegion[]): readonly MemoryRegion[] {
  return ram.map((region) => (region.start < HIGH_RAM_BASE ? { ...region, size: Math.max(0, region.size - FOR_TABLES) } : region));
}

function kernelConfig({ setup, kernel, commandLine, initrd, cpu }: SetupCodeKernel): Pick<FirmwareConfig, 'kernel' | 'files'> {
  const parts = { setup, kernel, commandLine, ...(initrd !== undefined && { initrd }) };
  return { kernel: parts, files: new Map([[LINUX_BOOT_ROM, linuxBootRom(parts, cpu)]]) };
}
