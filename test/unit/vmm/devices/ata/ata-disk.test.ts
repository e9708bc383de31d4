import test from 'tape';
import { AtaDisk } from '../../../../../src/vmm/devices/ata/ata-disk.js';
import { FileImage } from '../../../../../src/vmm/storage/file-image.js';
import { SnapshotImage } from '../../../../../src/vmm/storage/snapshot-image.js';
import { imageTest, pattern } from '../../storage/temporary-images.js';
import { AtaHost, DRQ, ERR, IDLE, MemoryImage, text, word } from './ata-host.js';

const SECTORS = 3000;

function setUp(readOnly = false): { host: AtaHost; image: MemoryImage; sector: (lba: number, count?: number) => Uint8Array } {
  const image = new MemoryImage(pattern(SECTORS * 512), { readOnly });
  const host = new AtaHost([new AtaDisk(image, 'S1'), undefined]);
  host.takeIrq();
  return { host, image, sector: (lba, count = 1) => image.bytes.slice(lba * 512, (lba + count) * 512) };
}

test('IDENTIFY DEVICE says what the disk is', (t) => {
  const { host } = setUp();
  t.equal(host.command(0xec), IDLE | DRQ);
  t.deepEqual(host.takeIrq(), [true]);
  const data = host.readAll();
  t.equal(data.length, 512);
  t.equal(text(data, 10, 20), 'S1');
  t.equal(text(data, 27, 40), 'kvm-gdbserver disk');
  t.deepEqual([1, 3, 6].map((i) => word(data, i)), [2, 16, 63], 'cylinders, heads, sectors');
  t.equal(word(data, 60) | (word(data, 61) << 16), SECTORS);
  t.equal(word(data, 100), SECTORS);
  t.equal(word(data, 49) & 0x0300, 0x0200, 'LBA without DMA');
  t.equal(word(data, 83) & 0xc400, 0x4400, '48-bit addresses');
  t.equal(data.reduce((sum, byte) => (sum + byte) & 0xff, 0), 0, 'checksum');
  t.equal(host.status, IDLE);
  t.end();
});

test('sectors are read by CHS, LBA28 and LBA48', (t) => {
  const { host, sector } = setUp();
  t.equal(host.command(0x20, { lba: 1234, count: 1 }), IDLE | DRQ);
  t.deepEqual(host.readAll(), sector(1234));
  t.deepEqual(host.registers, [0, 1234 & 0xff, 1234 >> 8, 0, 0xe0], 'the last sector, and none to come');

  host.chs(0x21, 1, 2, 3);
  t.deepEqual(host.readAll(), sector((1 * 16 + 2) * 63 + 2));
  t.deepEqual(host.registers, [0, 3, 1, 0, 0xa2]);
  host.chs(0x20, 0, 15, 63, 2);
  t.deepEqual(host.readAll(), sector(15 * 63 + 62, 2), 'over the end of a cylinder');
  t.deepEqual(host.registers, [0, 1, 1, 0, 0xa0]);

  host.command48(0x24, 2000, 300);
  t.deepEqual(host.readAll(), sector(2000, 300));
  t.deepEqual(host.registers, [0, (2299 & 0xff), 2299 >> 8, 0, 0x40]);
  host.control(0x80);
  t.deepEqual(host.registers.slice(0, 4), [0, 0, 0, 0], 'HOB');
  host.out(1, 0);
  t.equal(host.in(3), 2299 & 0xff, 'a write to the command block turns HOB off');

  host.command(0x20, { lba: 0, count: 0 });
  t.deepEqual(host.readAll(), sector(0, 256), 'count 0 is 256 sectors');
  t.end();
});

test('every sector of a read interrupts, and reading the status takes the interrupt away', (t) => {
  const { host } = setUp();
  host.command(0x20, { count: 2 });
  t.deepEqual(host.takeIrq(), [true]);
  t.equal(host.alternateStatus, IDLE | DRQ);
  t.deepEqual(host.takeIrq(), [], 'the alternate status leaves it');
  t.equal(host.status, IDLE | DRQ);
  t.deepEqual(host.takeIrq(), [false]);
  host.ins(256);
  t.deepEqual(host.takeIrq(), [true]);
  t.equal(host.status, IDLE | DRQ);
  host.ins(256);
  t.deepEqual(host.takeIrq(), [false], 'none after the last');
  t.equal(host.status, IDLE);

  host.control(0x02);
  host.command(0x20, { count: 1 });
  t.deepEqual(host.takeIrq(), [], 'nIEN');
  host.control(0);
  t.deepEqual(host.takeIrq(), [true], 'it was only masked');
  t.end();
});

test('the data port: bytes, words, doublewords, and blocks over sector ends', (t) => {
  const { host, image, sector } = setUp();
  host.command(0x20, { lba: 5, count: 4 });
  const expected = sector(5, 4);
  t.equal(host.inData(1), expected[0]);
  t.equal(host.inData(1), expected[1]);
  t.equal(host.inData(2), expected[2] | (expected[3] << 8));
  t.equal(host.inData(4), new DataView(expected.buffer).getUint32(4, true));
  t.deepEqual(host.ins(2048 / 4 - 2, 4), expected.slice(8), 'REP INSD over four sectors');
  t.equal(host.status, IDLE);
  t.deepEqual([...host.ins(2)], [0, 0, 0, 0], 'nothing is left');
  image.reads = 0;
  host.command(0x20, { lba: 0, count: 256 });
  host.readAll();
  t.equal(image.reads, 1, '128 KiB are one read of the file');
  t.end();
});

test('sectors are written', (t) => {
  const { host, image, sector } = setUp();
  const bytes = pattern(3 * 512, 5);
  t.equal(host.command(0x30, { lba: 77, count: 3 }), IDLE | DRQ);
  t.deepEqual(host.takeIrq(), [], 'the first block is asked for without an interrupt');
  for (let i = 0; i < 3; i++) {
    host.outs(bytes.slice(i * 512, (i + 1) * 512));
    t.deepEqual(host.takeIrq(), [true]);
    t.equal(host.status, i < 2 ? IDLE | DRQ : IDLE);
    host.takeIrq();
  }
  t.deepEqual(sector(77, 3), bytes);
  host.chs(0x30, 0, 0, 2);
  host.outs(bytes.slice(0, 512), 4);
  t.deepEqual(sector(1), bytes.slice(0, 512));
  host.command48(0x34, 2999, 1);
  host.outs(bytes.slice(512, 1024));
  t.deepEqual(sector(2999), bytes.slice(512, 1024));
  t.equal(image.flushes, 0);
  t.equal(host.command(0xe7), IDLE);
  t.equal(host.command(0xea), IDLE);
  t.equal(image.flushes, 2);
  host.command(0xef, { features: 0x82 });
  host.command(0x30, { lba: 9, count: 1 });
  host.outs(bytes.slice(0, 512));
  t.equal(image.flushes, 3, 'without a write cache every write is flushed');
  t.end();
});

test('a read after a write sees it', (t) => {
  const { host } = setUp();
  host.command(0x20, { lba: 9, count: 3 });
  host.readAll();
  host.command(0x30, { lba: 10, count: 1 });
  host.outs(pattern(512, 8));
  host.command(0x20, { lba: 10, count: 1 });
  t.deepEqual(host.readAll(), pattern(512, 8));
  t.end();
});

test('data in the wrong direction is not taken, and disturbs nothing', (t) => {
  const { host, sector } = setUp();
  host.command(0x20, { lba: 4, count: 1 });
  host.outs(new Uint8Array(512).fill(0xff));
  t.deepEqual(host.readAll(), sector(4));
  host.command(0x30, { lba: 4, count: 1 });
  t.deepEqual(host.ins(256), new Uint8Array(512));
  host.outs(pattern(512, 9));
  t.equal(host.status, IDLE);
  t.deepEqual(sector(4), pattern(512, 9));
  host.command(0x20, { lba: 5, count: 2 });
  host.ins(10);
  t.equal(host.command(0x20, { lba: 7, count: 1 }), IDLE | DRQ, 'a new command ends the old one');
  t.deepEqual(host.readAll(), sector(7));
  t.end();
});

test('READ and WRITE MULTIPLE', (t) => {
  const { host, sector } = setUp();
  t.equal(host.command(0xc4, { count: 1 }), IDLE | ERR, 'not before SET MULTIPLE MODE');
  t.equal(host.error, 0x04);
  for (const count of [3, 32, 255]) t.equal(host.command(0xc6, { count }), IDLE | ERR, `${count} sectors in a block`);
  t.equal(host.command(0xc6, { count: 8 }), IDLE);
  host.command(0xec);
  t.equal(word(host.readAll(), 59), 0x0108);
  host.takeIrq();

  host.command(0xc4, { lba: 100, count: 20 });
  const interrupts: number[] = [];
  const read: Uint8Array[] = [];
  for (const sectors of [8, 8, 4]) {
    interrupts.push(host.takeIrq().filter(Boolean).length);
    t.equal(host.status, IDLE | DRQ);
    read.push(host.ins(sectors * 256));
  }
  t.deepEqual(interrupts, [1, 1, 1]);
  t.equal(host.status, IDLE);
  t.deepEqual(Uint8Array.from(Buffer.concat(read)), sector(100, 20));

  const bytes = pattern(10 * 512, 6);
  host.command48(0x39, 200, 10);
  host.outs(bytes.slice(0, 8 * 512));
  host.outs(bytes.slice(8 * 512));
  t.equal(host.status, IDLE);
  t.deepEqual(sector(200, 10), bytes);
  t.equal(host.command(0xc6, { count: 0 }), IDLE);
  t.equal(host.command48(0x29, 0, 1), IDLE | ERR, 'count 0 turns it off');
  t.end();
});

test('addresses beyond the disk end with IDNF', (t) => {
  const { host } = setUp();
  t.equal(host.command(0x20, { lba: SECTORS, count: 1 }), IDLE | ERR);
  t.equal(host.error, 0x10);
  for (const [head, sector] of [[0, 0], [0, 64]]) {
    t.equal(host.chs(0x20, 0, head, sector), IDLE | ERR, `head ${head} sector ${sector}`);
    t.equal(host.error, 0x10);
  }
  t.equal(host.command48(0x24, 2 ** 47, 1), IDLE | ERR);
  t.equal(host.command(0x30, { lba: 0x0fffffff, count: 1 }), IDLE | ERR);
  host.command(0x20, { lba: SECTORS - 1, count: 3 });
  t.equal(host.readAll().length, 512, 'what is there comes first');
  t.equal(host.status, IDLE | ERR);
  t.deepEqual(host.registers.slice(0, 3), [2, SECTORS & 0xff, SECTORS >> 8]);
  t.equal(host.command(0x40, { lba: SECTORS - 1, count: 2 }), IDLE | ERR, 'READ VERIFY');
  t.equal(host.command(0x70, { lba: SECTORS }), IDLE | ERR, 'SEEK');
  t.equal(host.command(0x70, { lba: SECTORS - 1 }), IDLE);
  t.end();
});

test('what the host cannot read or write is the disk\'s error', (t) => {
  const { host, image, sector } = setUp();
  image.bad.add(12);
  host.command(0x20, { lba: 10, count: 5 });
  t.deepEqual(host.readAll(), sector(10, 2), 'the good sectors come');
  t.equal(host.status, IDLE | ERR);
  t.equal(host.error, 0x40, 'UNC');
  t.deepEqual(host.registers.slice(0, 2), [3, 12], 'at sector 12');
  host.command(0xc6, { count: 8 });
  t.equal(host.command(0xc4, { lba: 8, count: 8 }), IDLE | ERR);
  t.deepEqual(host.registers.slice(0, 2), [4, 12]);
  t.equal(host.command(0x40, { lba: 0, count: 13 }), IDLE | ERR, 'READ VERIFY reads');
  t.equal(host.in(3), 12);
  t.equal(host.command(0x40, { lba: 13, count: 0 }), IDLE);
  host.command(0x30, { lba: 12, count: 1 });
  host.takeIrq();
  host.outs(pattern(512));
  t.deepEqual(host.takeIrq(), [true]);
  t.equal(host.status, IDLE | ERR | 0x20, 'device fault');
  t.equal(setUp(true).host.command(0x30, { count: 1 }), IDLE | ERR, 'a read-only disk refuses to be written');
  t.end();
});

test('commands without data, and those that are not there', (t) => {
  const { host } = setUp();
  for (const code of [0x10, 0x1f, 0x70, 0x94, 0x97, 0xe0, 0xe1, 0xe2, 0xe3, 0xe5, 0xe6, 0xe7]) {
    host.takeIrq();
    t.equal(host.command(code), IDLE, code.toString(16));
    t.equal(host.takeIrq().at(-1), true);
  }
  host.command(0xe5);
  t.equal(host.in(2), 0xff, 'power mode: active');
  for (const code of [0x00, 0x08, 0xa0, 0xa1, 0xb0, 0xc8, 0xca, 0x25, 0x35, 0xf8, 0xff]) {
    t.equal(host.command(code), IDLE | ERR, code.toString(16));
    t.equal(host.error, 0x04, 'ABRT');
  }
  t.equal(host.command(0xef, { features: 0x03, count: 0x0c }), IDLE, 'PIO mode 4');
  t.equal(host.command(0xef, { features: 0x03, count: 0x45 }), IDLE | ERR, 'UDMA');
  t.equal(host.command(0xef, { features: 0x99 }), IDLE | ERR);
  t.end();
});

test('INITIALIZE DEVICE PARAMETERS changes what CHS means', (t) => {
  const { host, sector } = setUp();
  t.equal(host.command(0x91, { count: 17, device: 0xa3 }), IDLE);
  host.chs(0x20, 2, 1, 5);
  t.deepEqual(host.readAll(), sector((2 * 4 + 1) * 17 + 4));
  host.command(0xec);
  const data = host.readAll();
  t.deepEqual([54, 55, 56, 57].map((i) => word(data, i)), [44, 4, 17, 44 * 4 * 17]);
  t.deepEqual([1, 3, 6].map((i) => word(data, i)), [2, 16, 63], 'the default stays');
  t.equal(host.command(0x91, { count: 0 }), IDLE | ERR);
  t.end();
});

test('a state saved in the middle of a transfer goes on as it would have', (t) => {
  const { host, sector } = setUp();
  host.command(0xc6, { count: 4 });
  host.command(0xc4, { lba: 30, count: 10 });
  const head = host.ins(300);
  const state = host.saved();
  const rest = host.readAll();
  t.deepEqual(Buffer.concat([head, rest]).subarray(0, 5120).equals(sector(30, 10)), true);
  host.channel.reset();
  host.channel.restore(state);
  t.deepEqual(host.saved(), state);
  t.deepEqual(host.readAll(), rest);
  t.end();
});

imageTest('a sparse disk of 1 TiB: the last sector by LBA48', (t, folder) => {
  const image = new SnapshotImage(new FileImage(folder.sparse('big.img', 2 ** 40), false, 512));
  const host = new AtaHost([undefined, new AtaDisk(image, 'S2')]);
  const last = 2 ** 31 - 1;
  host.command(0xec, { device: 0xf0 });
  const data = host.readAll();
  t.deepEqual([1, 3, 6].map((i) => word(data, i)), [16383, 16, 63]);
  t.deepEqual([60, 61].map((i) => word(data, i)), [0xffff, 0x0fff], 'LBA28 sees 128 GiB');
  t.deepEqual([100, 101, 102].map((i) => word(data, i)), [0, 0x8000, 0]);
  host.command48(0x34, last, 1, 0x50);
  host.outs(pattern(512));
  t.equal(host.status, IDLE);
  host.command48(0x24, last - 1, 2, 0x50);
  t.deepEqual(host.readAll(), Uint8Array.from(Buffer.concat([new Uint8Array(512), pattern(512)])));
  t.deepEqual(host.registers, [0, 0xff, 0xff, 0xff, 0x50]);
  host.control(0x80);
  t.deepEqual(host.registers, [0, 0x7f, 0, 0, 0x50]);
  image.close();
});
