/**
 * What firmware boots first: `--boot-order`, and fw_cfg's file `bootorder` with the OpenFirmware paths by which SeaBIOS
 * and OVMF know a drive (SeaBIOS, src/boot.c: `bootprio_find_ata_device`, `bootprio_find_named_rom`). The BIOS of Bochs, which has no
 * fw_cfg, takes the kinds of drives from CMOS.
 */
import type { FirmwareConfig } from '../devices/fw-cfg-items.js';
import type { DrivePlace } from '../storage/disk-choice.js';
import { GuestError } from './boot-options.js';
import { LINUX_BOOT_ROM } from './linux-boot-rom.js';

/** A place on the IDE channels, the kernel in fw_cfg, or the firmware's own menu. */
export type BootDevice = Pick<DrivePlace, 'kind' | 'channel' | 'unit'> | 'kernel' | 'menu';

/** Words of `--boot-order`; `disk2` is the second hard disk. */
export const BOOT_DEVICE_NAMES = ['disk', 'disk2', 'disk3', 'disk4', 'cdrom', 'kernel', 'menu'] as const;

/** `cdrom,disk` for these drives. Throws GuestError with one sentence for what is not there. */
export function parseBootOrder(text: string, drives: readonly DrivePlace[], hasKernel: boolean): readonly BootDevice[] {
  const names = text.split(',');
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new GuestError(`--boot-order ${text} names ${twice} twice; name each device once.`);
  return names.map((name) => {
    const known = BOOT_DEVICE_NAMES.find((candidate) => candidate === name);
    if (known === undefined) throw new GuestError(`--boot-order takes ${BOOT_DEVICE_NAMES.join(', ')} with commas between, not "${name}".`);
    if (known === 'menu') return known;
    const device = known === 'kernel' ? (hasKernel ? known : undefined) : findDrive(known, drives);
    if (device === undefined) throw new GuestError(`--boot-order names ${name}, and this machine has none; ${howToHaveOne(known)}.`);
    return device;
  });
}

function findDrive(name: 'cdrom' | `disk${string}`, drives: readonly DrivePlace[]): DrivePlace | undefined {
  if (name === 'cdrom') return drives.find(({ kind }) => kind === 'cdrom');
  return drives.filter(({ kind }) => kind === 'disk')[Number(name.slice('disk'.length) || 1) - 1];
}

function howToHaveOne(name: string): string {
  return name === 'cdrom' ? 'add --cdrom FILE' : name === 'kernel' ? 'give a bzImage as the guest' : 'add --disk FILE';
}

/** A kernel that no order names is what the user wants to see. */
export function orderConfig(order: readonly BootDevice[] | undefined, hasKernel: boolean): Pick<FirmwareConfig, 'bootOrder' | 'bootMenu'> {
  const devices = order?.filter((device) => device !== 'menu') ?? [];
  const wanted = hasKernel && !devices.includes('kernel') ? ['kernel' as const, ...devices] : devices;
  return {
    ...(wanted.length > 0 && { bootOrder: wanted.map(pathOf) }),
    ...(order?.includes('menu') === true && { bootMenu: true }),
  };
}

/** The drives among them by kind, for firmware that looks into CMOS. */
export function bootKinds(order: readonly BootDevice[]): readonly DrivePlace['kind'][] {
  return order.flatMap((device) => (typeof device === 'string' ? [] : [device.kind]));
}

function pathOf(device: Exclude<BootDevice, 'menu'>): string {
  return device === 'kernel' ? `/rom@${LINUX_BOOT_ROM}` : `/pci@i0cf8/ide@1,1/drive@${device.channel}/disk@${device.unit}`;
}
