/** The two IDE channels of a PC and the drives on them. */
import { AtaDisk } from './devices/ata/ata-disk.js';
import { AtapiCdrom } from './devices/ata/atapi-cdrom.js';
import type { Translation } from './devices/ata/disk-geometry.js';
import { CONTROL_OFFSET, IdeChannel } from './devices/ata/ide-channel.js';
import type { IdeDrive } from './devices/ata/ide-drive.js';
import type { PortBus } from './port-bus.js';
import type { OpenDrive } from './storage/open-drives.js';

/** Where a channel in compatibility mode is: its registers, its control register, its interrupt. */
const CHANNELS = [
  { label: 'ide0', base: 0x1f0, control: 0x3f6, irq: 14 },
  { label: 'ide1', base: 0x170, control: 0x376, irq: 15 },
] as const;

/** What SeaBIOS finds in CMOS byte 39h, two bits a drive (src/hw/ata.c there, `get_translation`). */
const TRANSLATIONS: Readonly<Record<Translation, number>> = { none: 0, lba: 1, large: 2 };

export interface AddedDrives {
  readonly channels: readonly IdeChannel[];
  /** How a BIOS is to translate the disks' geometry for INT 13h: CMOS byte 39h. */
  readonly translations: number;
}

export interface DriveWiring {
  readonly drives: readonly OpenDrive[];
  /** Whether the channels are there without drives: a chipset has both, and drivers wait long for one that is not. */
  readonly chipset: boolean;
  readonly irqLine: ((irq: number, level: boolean) => void) | undefined;
}

/** Makes the channels and claims their ports. Throws ImageError when an image cannot be read. */
export function addDrives(ports: PortBus, { drives, chipset, irqLine }: DriveWiring): AddedDrives {
  let translations = 0;
  const channels = CHANNELS.flatMap(({ label, base, control, irq }, number) => {
    const unit = (wanted: 0 | 1): IdeDrive | undefined => {
      const known = drives.find((drive) => drive.channel === number && drive.unit === wanted);
      const drive = known === undefined ? undefined : openDrive(known);
      if (drive instanceof AtaDisk) translations |= TRANSLATIONS[drive.geometry.translation] << (2 * (2 * number + wanted));
      return drive;
    };
    const pair = [unit(0), unit(1)] as const;
    if (!chipset && pair.every((drive) => drive === undefined)) return [];
    const channel = new IdeChannel(label, pair, (level) => irqLine?.(irq, level));
    ports.claim(channel, base, CONTROL_OFFSET);
    ports.claim(channel, control, 1, CONTROL_OFFSET);
    return [channel];
  });
  return { channels, translations };
}

function openDrive({ kind, image, channel, unit }: OpenDrive): IdeDrive {
  const serial = `KG${channel}${unit}`;
  return kind === 'cdrom' ? new AtapiCdrom(image, serial) : new AtaDisk(image, serial);
}
