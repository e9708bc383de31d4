import test from 'tape';
import { AtaDisk } from '../../../../../src/vmm/devices/ata/ata-disk.js';
import { pattern } from '../../storage/temporary-images.js';
import { AtaHost, DRQ, IDLE, MemoryImage, text } from './ata-host.js';

const disk = (serial: string): AtaDisk => new AtaDisk(new MemoryImage(pattern(512 * 100, serial.length)), serial);

test('two drives: each has its registers, the selected one answers', (t) => {
  const host = new AtaHost([disk('MASTER'), disk('SLAVE')]);
  host.command(0xec, { device: 0xe0 });
  t.equal(text(host.readAll(), 10, 20), 'MASTER');
  host.command(0xec, { device: 0xf0 });
  t.equal(text(host.readAll(), 10, 20), 'SLAVE');
  host.out(2, 0x55);
  host.out(6, 0xa0);
  t.deepEqual([host.in(2), host.in(6)], [0x55, 0xa0], 'both heard it');
  host.command(0xec, { device: 0xe0 });
  host.out(6, 0xb0);
  t.equal(host.status, IDLE, 'the slave has no data');
  t.deepEqual(host.takeIrq().at(-1), false, 'nor an interrupt');
  host.out(6, 0xa0);
  t.equal(host.takeIrq().at(-1), true, 'the master still has');
  t.equal(host.status, IDLE | DRQ);
  t.end();
});

test('a drive that is absent reads as zeros, whoever is beside it', (t) => {
  for (const [drives, absent] of [[[disk('M'), undefined], 0xb0], [[undefined, disk('S')], 0xa0], [[undefined, undefined], 0xa0]] as const) {
    const host = new AtaHost(drives);
    host.out(6, absent);
    host.out(2, 0x55);
    host.out(3, 0xaa);
    host.out(7, 0xec);
    t.deepEqual([host.status, host.alternateStatus, host.error, ...host.registers], [0, 0, 0, 0, 0, 0, 0, 0]);
    t.deepEqual([...host.ins(2)], [0, 0, 0, 0]);
    host.outs(new Uint8Array(512));
    host.command(0x90);
    t.deepEqual(host.takeIrq(), drives[0] === undefined ? [] : [true]);
  }
  t.end();
});

test('a software reset: busy while it is held, then the signature', (t) => {
  const host = new AtaHost([disk('M'), disk('S')]);
  host.command(0xc6, { count: 4, device: 0xf0 });
  host.command(0x20, { lba: 3, count: 2, device: 0xf0 });
  t.equal(host.status, IDLE | DRQ);
  host.control(0x04);
  t.equal(host.alternateStatus, 0x80);
  host.out(2, 9);
  host.out(7, 0xec);
  t.equal(host.status, 0x80, 'commands are not heard');
  t.notEqual(host.in(2), 9, 'nor are registers');
  host.control(0x00);
  for (const device of [0x00, 0x10]) {
    host.out(6, device);
    t.deepEqual([host.status, host.error, ...host.registers], [IDLE, 1, 1, 1, 0, 0, device]);
  }
  t.equal(host.command(0xc4, { count: 1, device: 0xf0 }) & 1, 1, 'SET MULTIPLE MODE is forgotten');
  t.equal(host.takeIrq().at(-1), true);
  host.control(0x04);
  t.deepEqual(host.takeIrq(), [false]);
  t.end();
});

test('EXECUTE DEVICE DIAGNOSTIC is for both drives, and selects the master', (t) => {
  const host = new AtaHost([disk('M'), disk('S')]);
  host.command(0x90, { device: 0xf0 });
  t.deepEqual(host.takeIrq(), [true]);
  t.deepEqual([host.status, host.error, ...host.registers], [IDLE, 1, 1, 1, 0, 0, 0]);
  t.deepEqual(host.takeIrq(), [false]);
  t.end();
});

test('registers side by side can be written and read in one access', (t) => {
  const host = new AtaHost([disk('M'), undefined]);
  const { channel } = host;
  channel.writePort(2, 2, 0x3412);
  channel.writePort(4, 2, 0x7856);
  t.deepEqual([2, 3, 4, 5].map((register) => host.in(register)), [0x12, 0x34, 0x56, 0x78]);
  t.equal(channel.readPort(2, 4), 0x78563412);
  t.equal(channel.name, 'ide0 (test.img, no drive)');
  t.end();
});

test('a state with two drives comes back', (t) => {
  const host = new AtaHost([disk('M'), disk('S')]);
  host.command(0x30, { lba: 3, count: 1, device: 0xf0 });
  host.outs(pattern(200));
  host.control(0x02);
  const state = host.saved();
  host.channel.reset();
  t.equal(host.status, IDLE);
  host.channel.restore(state);
  t.equal(host.status, IDLE | DRQ);
  host.outs(pattern(512).slice(200));
  t.equal(host.status, IDLE);
  t.end();
});
