import test from 'tape';
import { AtapiCdrom } from '../../../../../src/vmm/devices/ata/atapi-cdrom.js';
import { AtaDisk } from '../../../../../src/vmm/devices/ata/ata-disk.js';
import { pattern } from '../../storage/temporary-images.js';
import { AtaHost, DRQ, ERR, IDLE, MemoryImage, text, word } from './ata-host.js';

const SECTORS = 100;

/** What a PACKET command came to. */
interface Outcome {
  readonly data: Uint8Array;
  /** Byte counts of the blocks, as the registers said. */
  readonly blocks: readonly number[];
  readonly status: number;
  readonly error: number;
}

function setUp(): { host: AtaHost; image: MemoryImage; disc: (lba: number, count: number) => Uint8Array } {
  const image = new MemoryImage(pattern(SECTORS * 2048), { readOnly: true });
  const host = new AtaHost([new AtapiCdrom(image, 'C1'), undefined]);
  return { host, image, disc: (lba, count) => image.bytes.slice(lba * 2048, (lba + count) * 2048) };
}

/** Sends a packet with byte count limit `limit` and takes what comes, as the protocol says. */
function packet(host: AtaHost, bytes: readonly number[], limit = 0xfffe): Outcome {
  host.command(0xa0, { lba: limit << 8, device: 0xa0 });
  if (host.alternateStatus !== (IDLE | DRQ) || host.in(2) !== 1) throw new Error('the drive does not ask for the packet');
  const whole = new Uint8Array(12);
  whole.set(bytes);
  host.outs(whole);
  const blocks: number[] = [];
  const data: Uint8Array[] = [];
  while ((host.status & DRQ) !== 0) {
    if (host.in(2) !== 2) throw new Error('interrupt reason is not data in');
    const count = host.in(4) | (host.in(5) << 8);
    blocks.push(count);
    data.push(host.ins((count + 1) >> 1).subarray(0, count));
  }
  if ((host.in(2) & 7) !== 3) throw new Error('interrupt reason is not status');
  return { data: Uint8Array.from(Buffer.concat(data)), blocks, status: host.alternateStatus, error: host.error };
}

function sense(host: AtaHost): string {
  const { data } = packet(host, [0x03, 0, 0, 0, 18]);
  return [data[2], data[12], data[13]].map((byte) => byte.toString(16).padStart(2, '0')).join('/');
}

const read10 = (lba: number, count: number): number[] => [0x28, 0, 0, 0, lba >> 8, lba & 0xff, 0, count >> 8, count & 0xff];
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');

test('a packet device is told by its signature', (t) => {
  const { host } = setUp();
  const signature = [1, 1, 0x14, 0xeb, 0];
  t.deepEqual([host.status, host.error, ...host.registers], [0, 1, ...signature], 'after power-on');
  for (const code of [0xec, 0x20]) {
    t.equal(host.command(code, { device: 0xa0 }), IDLE | ERR);
    t.deepEqual([host.error, ...host.registers], [0x04, ...signature], code.toString(16));
  }
  host.command(0xa1, { device: 0xa0 });
  const data = host.readAll();
  t.equal(word(data, 0), 0x85c0);
  t.equal(text(data, 27, 40), 'kvm-gdbserver CD-ROM');
  t.equal(data.reduce((sum, byte) => (sum + byte) & 0xff, 0), 0, 'checksum');
  t.equal(host.status, IDLE);
  host.control(4);
  t.equal(host.status, 0x80);
  host.control(0);
  t.deepEqual([host.status, host.error, ...host.registers], [0, 1, ...signature], 'after a software reset');
  for (const code of [0x00, 0x30, 0xc4, 0xff]) t.equal(host.command(code), IDLE | ERR, code.toString(16));
  t.equal(host.command(0xef, { features: 3, count: 0x0c }), IDLE);
  t.equal(host.command(0xef, { features: 3, count: 0x22 }), IDLE | ERR);
  t.equal(host.command(0xe5), IDLE);
  t.end();
});

test('DEVICE RESET of a slave leaves it selected', (t) => {
  const host = new AtaHost([new AtaDisk(new MemoryImage(pattern(512)), 'D'), new AtapiCdrom(new MemoryImage(pattern(2048)), 'C')]);
  host.command(0xa1, { device: 0xb0 });
  host.takeIrq();
  host.out(7, 0x08);
  t.deepEqual(host.takeIrq(), [false], 'no interrupt');
  t.deepEqual([host.status, host.error, ...host.registers], [0, 1, 1, 1, 0x14, 0xeb, 0x10]);
  t.end();
});

test('sectors are read in blocks of the size the guest asks for', (t) => {
  const { host, disc } = setUp();
  for (const [limit, blocks] of [
    [2048, [2048, 2048, 2048]],
    [0xffff, [6144]],
    [5000, [4096, 2048]],
    [1000, [1000, 1000, 1000, 1000, 1000, 1000, 144]],
    [1001, [1000, 1000, 1000, 1000, 1000, 1000, 144]],
  ] as const) {
    const outcome = packet(host, read10(16, 3), limit);
    t.deepEqual(outcome.blocks, blocks, `limit ${limit}`);
    t.deepEqual(outcome.data, disc(16, 3));
    t.equal(outcome.status, IDLE);
  }
  t.deepEqual(packet(host, read10(0, 64)).blocks, [31 * 2048, 31 * 2048, 2 * 2048], 'whole sectors at a time');
  t.deepEqual(packet(host, [0xa8, 0, 0, 0, 0, 98, 0, 0, 0, 2]).data, disc(98, 2), 'READ (12)');
  t.deepEqual(packet(host, [0xbe, 0, 0, 0, 0, 7, 0, 0, 1, 0x10]).data, disc(7, 1), 'READ CD, user data');
  t.deepEqual(packet(host, read10(3, 0)).blocks, [], 'nothing asked, nothing sent');
  t.end();
});

test('each block and the end interrupt; the packet does not', (t) => {
  const { host } = setUp();
  host.takeIrq();
  host.command(0xa0, { lba: 2048 << 8, device: 0xa0 });
  t.deepEqual(host.takeIrq(), []);
  host.outs(Uint8Array.of(...read10(0, 2), 0, 0, 0));
  for (const step of ['first block', 'second block']) {
    t.deepEqual(host.takeIrq(), [true], step);
    t.equal(host.status, IDLE | DRQ);
    host.takeIrq();
    host.ins(1024);
  }
  t.deepEqual(host.takeIrq(), [true], 'the end');
  t.equal(host.status, IDLE);
  t.end();
});

test('byte counts and features that PACKET cannot have', (t) => {
  const { host } = setUp();
  for (const limit of [0, 1]) {
    host.command(0xa0, { lba: limit << 8, device: 0xa0 });
    host.outs(Uint8Array.of(...read10(0, 1), 0, 0, 0));
    t.equal(host.status, IDLE | ERR, `${limit} bytes at a time`);
    t.equal(host.error, 0x04);
  }
  t.equal(packet(host, [0x00], 0).status, IDLE, 'a command without data needs none');
  t.equal(host.command(0xa0, { features: 1 }), IDLE | ERR, 'DMA');
  t.end();
});

test('what the drive says about itself and the disc', (t) => {
  const { host } = setUp();
  for (const [what, command, expected] of [
    ['TEST UNIT READY', [0x00], ''],
    ['INQUIRY', [0x12, 0, 0, 0, 36], /^058000211f000000/],
    ['INQUIRY, cut', [0x12, 0, 0, 0, 5], '058000211f'],
    ['READ CAPACITY', [0x25], '0000006300000800'],
    ['READ TOC', [0x43, 0, 0, 0, 0, 0, 0, 0, 20], '00120101' + '0014010000000000' + '0014aa0000000064'],
    ['READ TOC, MSF', [0x43, 2, 0, 0, 0, 0, 0, 0, 20], '00120101' + '0014010000000200' + '0014aa0000000319'],
    ['READ TOC, lead-out', [0x43, 0, 0, 0, 0, 0, 0xaa, 0, 20], '000a0101' + '0014aa0000000064'],
    ['READ TOC, sessions', [0x43, 0, 1, 0, 0, 0, 0, 0, 12], '000a01010014010000000000'],
    ['READ TOC, sessions (SFF-8020)', [0x43, 0, 0, 0, 0, 0, 0, 0, 12, 0x40], '000a01010014010000000000'],
    ['GET CONFIGURATION', [0x46, 0, 0, 0, 0, 0, 0, 0, 8], '0000002400000008'],
    ['GET CONFIGURATION, core only', [0x46, 2, 0, 1, 0, 0, 0, 0, 99], '0000001000000008' + '00010b080000000201000000'],
    ['GET EVENT STATUS', [0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8], '0006041000020000'],
    ['GET EVENT STATUS, other classes', [0x4a, 1, 0, 0, 0x02, 0, 0, 0, 8], '00028010'],
    ['READ DISC INFORMATION', [0x51, 0, 0, 0, 0, 0, 0, 0, 8], '00200e0101010120'],
    ['MODE SENSE, errors', [0x5a, 0, 1, 0, 0, 0, 0, 0, 64], '000e010000000000' + '0106000500000000'],
    ['MODE SENSE, capabilities', [0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 64], /^001a0100000000002a120b0070002900/],
    ['SEEK', [0x2b, 0, 0, 0, 0, 99], ''],
    ['SET CD SPEED', [0xbb, 0, 0xff, 0xff], ''],
    ['MECHANISM STATUS', [0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8], '0000000000000000'],
    ['REQUEST SENSE', [0x03, 0, 0, 0, 18], '70000000000000' + '0a' + '00'.repeat(10)],
  ] as const) {
    const { data, status } = packet(host, command);
    t.equal(status, IDLE, what);
    if (typeof expected === 'string') t.equal(hex(data), expected, what);
    else t.match(hex(data), expected, what);
  }
  t.equal(Buffer.from(packet(host, [0x12, 0, 0, 0, 36]).data.subarray(8)).toString(), 'KVM-GDB CD-ROM          1   ');
  t.deepEqual(packet(host, [0x12, 0, 0, 0, 5], 4).blocks, [4, 1], 'an odd end');
  t.end();
});

test('what it cannot do is a check with sense data', (t) => {
  const { host, image } = setUp();
  for (const [what, command, expected] of [
    ['an unknown command', [0x2a], '05/20/00'],
    ['a read beyond the end', read10(99, 2), '05/21/00'],
    ['a seek beyond the end', [0x2b, 0, 0, 0, 0, 100], '05/21/00'],
    ['READ (12) of 2^32 - 1 sectors', [0xa8, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], '05/21/00'],
    ['READ CD, raw', [0xbe, 0, 0, 0, 0, 7, 0, 0, 1, 0xf8], '05/24/00'],
    ['a table of contents of another kind', [0x43, 0, 2, 0, 0, 0, 0, 0, 99], '05/24/00'],
    ['a mode page', [0x5a, 0, 0x1c, 0, 0, 0, 0, 0, 64], '05/24/00'],
    ['vital product data', [0x12, 1, 0, 0, 36], '05/24/00'],
    ['an event without polling', [0x4a, 0, 0, 0, 0x10, 0, 0, 0, 8], '05/24/00'],
  ] as const) {
    const { status, error, blocks } = packet(host, command);
    t.deepEqual([status, error, blocks], [IDLE | ERR, 0x54, []], what);
    t.equal(sense(host), expected, what);
    t.equal(sense(host), '00/00/00', 'told once');
  }
  image.bad.add(4 * 12); // sector 12 of the disc
  const { status, error, blocks } = packet(host, read10(10, 4), 4096);
  t.deepEqual([status, error, blocks], [IDLE | ERR, 0x34, [4096]], 'an unreadable sector');
  t.equal(sense(host), '03/11/00');
  packet(host, [0xff]);
  packet(host, [0x00]);
  t.equal(sense(host), '00/00/00', 'a command that went well clears it');
  t.end();
});

test('the tray', (t) => {
  const { host, disc } = setUp();
  const eject = [0x1b, 0, 0, 0, 2], load = [0x1b, 0, 0, 0, 3], event = [0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8];
  packet(host, [0x1e, 0, 0, 0, 1]);
  t.equal(packet(host, eject).error, 0x54, 'locked');
  t.equal(sense(host), '05/53/02');
  packet(host, [0x1e, 0, 0, 0, 0]);
  t.equal(packet(host, eject).status, IDLE);
  t.equal(hex(packet(host, event).data), '0006041003010000');
  t.equal(hex(packet(host, event).data), '0006041000010000');
  for (const command of [[0x00], read10(0, 1), [0x25], [0x43, 0, 0, 0, 0, 0, 0, 0, 20]]) {
    t.equal(packet(host, command).error, 0x24, 'not ready');
    t.equal(sense(host), '02/3a/02');
  }
  const { channel } = host;
  const state = host.saved();
  packet(host, load);
  t.equal(packet(host, [0x12, 0, 0, 0, 36]).status, IDLE, 'INQUIRY does not take the attention');
  t.equal(packet(host, read10(0, 1)).error, 0x64, 'unit attention');
  t.equal(sense(host), '06/28/00');
  t.deepEqual(packet(host, read10(0, 1)).data, disc(0, 1));
  channel.restore(state);
  t.equal(packet(host, [0x00]).error, 0x24, 'a restored state has its tray open again');
  channel.reset();
  t.equal(packet(host, [0x00]).status, IDLE, 'power-on closes it');
  t.end();
});

test('a state saved in the middle of a read goes on', (t) => {
  const { host, disc } = setUp();
  host.command(0xa0, { lba: 2048 << 8, device: 0xa0 });
  host.outs(Uint8Array.of(...read10(20, 3), 0, 0, 0));
  host.ins(1500);
  const state = host.saved();
  const rest = host.ins(3 * 1024 - 1500);
  host.channel.reset();
  host.channel.restore(state);
  t.deepEqual(host.ins(3 * 1024 - 1500), rest);
  t.deepEqual(rest, disc(20, 3).slice(3000));
  t.equal(host.status, IDLE);
  t.end();
});
