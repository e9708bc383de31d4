/** The two IDE channels of a PC and the drives on them. */
import { AtaDisk } from './devices/ata/ata-disk.js';
import { AtapiCdrom } from './devices/ata/atapi-cdrom.js';
import { CONTROL_OFFSET, IdeChannel } from './devices/ata/ide-channel.js';
import type { IdeDrive } from './devices/ata/ide-drive.js';
import type { PortBus } from './port-bus.js';
import type { OpenDrive } from './storage/open-drives.js';

/** Where a channel in compatibility mode is: its registers, its control register, its interrupt. */
const CHANNELS = [
  { label: 'ide0', base: 0x1f0, control: 0x3f6, irq: 14 },
  { label: 'ide1', base: 0x170, control: 0x376, irq: 15 },
] as const;

/** Makes the channels that have a drive and claims their ports. Throws ImageError when an image cannot be read. */
export function addDrives(ports: PortBus, drives: readonly OpenDrive[], irqLine: ((irq: number, level: boolean) => void) | undefined): readonly IdeChannel[] {
  return CHANNELS.flatMap(({ label, base, control, irq }, number) => {
    const unit = (wanted: 0 | 1): IdeDrive | undefined => {
      const drive = drives.find((known) => known.channel === number && known.unit === wanted);
      return drive === undefined ? undefined : openDrive(drive);
    };
    const pair = [unit(0), unit(1)] as const;
    if (pair.every((drive) => drive === undefined)) return [];
    const channel = new IdeChannel(label, pair, (level) => irqLine?.(irq, level));
    ports.claim(channel, base, CONTROL_OFFSET);
    ports.claim(channel, control, 1, CONTROL_OFFSET);
    return [channel];
  });
}

function openDrive({ kind, image, channel, unit }: OpenDrive): IdeDrive {
  const serial = `KG${channel}${unit}`;
  return kind === 'cdrom' ? new AtapiCdrom(image, serial) : new AtaDisk(image, serial);
}
