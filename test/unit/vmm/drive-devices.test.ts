import test from 'tape';
import { addDrives } from '../../../src/vmm/drive-devices.js';
import { cmosContents } from '../../../src/vmm/devices/cmos-contents.js';
import { PortBus } from '../../../src/vmm/port-bus.js';
import type { OpenDrive } from '../../../src/vmm/storage/open-drives.js';

/** A drive whose medium is all zeros. */
function drive(channel: 0 | 1, unit: 0 | 1, size: number, kind: OpenDrive['kind'] = 'disk'): OpenDrive {
  const name = `${kind}${channel}${unit}`;
  return {
    kind, channel, unit, path: name, mode: 'readonly',
    image: {
      name, size, readOnly: true,
      read: (_, target) => { target.fill(0); },
      write: () => undefined, flush: () => undefined, save: () => ({}), restore: () => undefined, close: () => undefined,
    },
  };
}

test('drives are on the channels, ports and interrupts of a PC', (t) => {
  const ports = new PortBus();
  const irqs: string[] = [];
  const irqLine = (irq: number, level: boolean): void => { irqs.push(`${irq} ${level ? 'high' : 'low'}`); };
  const { channels } = addDrives(ports, { drives: [drive(0, 1, 512), drive(1, 0, 2048, 'cdrom')], chipset: false, irqLine });
  t.deepEqual(channels.map(({ name }) => name), ['ide0 (no drive, disk01)', 'ide1 (cdrom10, no drive)']);
  t.deepEqual(ports.ranges.map(({ base, length }) => [base.toString(16), length]), [['170', 8], ['1f0', 8], ['376', 1], ['3f6', 1]]);
  t.deepEqual([ports.read(0x174, 1), ports.read(0x175, 1)], [0x14, 0xeb], 'a packet device');
  ports.write(0x1f6, 1, 0xb0);
  ports.write(0x1f7, 1, 0xec);
  ports.write(0x177, 1, 0xa1);
  ports.read(0x1f7, 1);
  t.deepEqual(irqs, ['14 high', '15 high', '14 low']);
  t.end();
});

test('channels without drives are there when a chipset is', (t) => {
  t.deepEqual(addDrives(new PortBus(), { drives: [], chipset: false, irqLine: undefined }).channels, []);
  const names = (drives: readonly OpenDrive[]): readonly string[] =>
    addDrives(new PortBus(), { drives, chipset: true, irqLine: undefined }).channels.map(({ name }) => name);
  t.deepEqual(names([]), ['ide0 (no drive, no drive)', 'ide1 (no drive, no drive)']);
  t.end();
});

test('CMOS byte 39h has two bits for each disk', (t) => {
  const large = 2 ** 33;
  for (const [drives, byte] of [
    [[], 0],
    [[drive(0, 0, 512)], 0],
    [[drive(0, 0, large)], 0x01],
    [[drive(0, 0, 512), drive(0, 1, large), drive(1, 0, large, 'cdrom'), drive(1, 1, large)], 0x44],
  ] as const) {
    const { translations } = addDrives(new PortBus(), { drives, chipset: true, irqLine: undefined });
    t.equal(translations, byte);
    t.equal(cmosContents({ ram: [], cpus: 1, translations }).get(0x39), byte);
  }
  t.end();
});
