import test from 'tape';
import { diskGeometry, int13Geometry } from '../../../../../src/vmm/devices/ata/disk-geometry.js';

interface Partition { readonly type?: number; readonly active?: number; readonly end: readonly [number, number, number]; readonly start: number; readonly length: number }

/** A boot sector with one entry in its partition table; `end` is cylinder, head, sector. */
function mbr({ type = 0x83, active = 0x80, end: [cylinder, head, sector], start, length }: Partition): Uint8Array {
  const bytes = new Uint8Array(512);
  bytes.set([active, 0, 1, 0, type, head, sector | ((cylinder >> 2) & 0xc0), cylinder & 0xff], 446);
  const view = new DataView(bytes.buffer);
  view.setUint32(454, start, true);
  view.setUint32(458, length, true);
  bytes.set([0x55, 0xaa], 510);
  return bytes;
}

const show = (sectors: number, table: Uint8Array): string => {
  const { cylinders, heads, sectors: perTrack, translation } = diskGeometry(sectors, table);
  return `${cylinders}/${heads}/${perTrack} ${translation}`;
};

test('geometry by size', (t) => {
  const none = new Uint8Array(512);
  for (const [sectors, expected] of [
    [1, '2/16/63 none'],
    [2880, '80/2/18 none'],
    [720, '40/2/9 none'],
    [2881, '2/16/63 none'],
    [20 * 1008, '20/16/63 none'],
    [1024 * 1008, '1024/16/63 none'],
    [1025 * 1008, '1025/16/63 lba'],
    [2 ** 31, '16383/16/63 lba'],
    [2 ** 40, '16383/16/63 lba'],
  ] as const) t.equal(show(sectors, none), expected, `${sectors} sectors`);
  t.end();
});

test('geometry from a partition table', (t) => {
  const size = 100 * 4 * 17;
  const good: Partition = { end: [99, 3, 17], start: 17, length: size - 17 };
  t.equal(show(size, mbr(good)), '100/4/17 none', 'a table made on cylinders of 4 heads and 17 sectors');
  t.equal(show(2000 * 16 * 63, mbr({ end: [1023, 15, 63], start: 63, length: 2000 * 16 * 63 - 63 })), '2000/16/63 none', 'beyond cylinder 1023');
  const wide = 200 * 255 * 63;
  t.equal(show(wide, mbr({ end: [199, 254, 63], start: 2048, length: wide - 2048 })), '3187/16/63 large', '255 heads are the BIOS\'s');
  t.equal(show(20000 * 255 * 63, mbr({ end: [1023, 254, 63], start: 63, length: 5000 * 255 * 63 - 63 })), '16383/16/63 lba');
  const plain = `${Math.floor(size / 1008)}/16/63 none`;
  for (const [why, wrong] of [
    ['an end that is not on a cylinder', { ...good, end: [99, 2, 17] }],
    ['longer than the disk', { ...good, length: size }],
    ['no type', { ...good, type: 0 }],
    ['code where the table would be', { ...good, active: 0x31 }],
    ['no sectors', { ...good, end: [99, 3, 0] }],
  ] as const) t.equal(show(size, mbr(wrong)), plain, why);
  const unsigned = mbr(good);
  unsigned[510] = 0;
  t.equal(show(size, unsigned), plain, 'no signature');
  t.end();
});

test('geometry from a FAT volume without partitions', (t) => {
  const volume = (total: number, perTrack: number, heads: number, bytes = 512, jump = 0xeb): Uint8Array => {
    const boot = new Uint8Array(512);
    boot[0] = jump;
    const view = new DataView(boot.buffer);
    view.setUint16(0x0b, bytes, true);
    if (total < 0x10000) view.setUint16(0x13, total, true);
    else view.setUint32(0x20, total, true);
    view.setUint16(0x18, perTrack, true);
    view.setUint16(0x1a, heads, true);
    boot.set([0x55, 0xaa], 510);
    return boot;
  };
  t.equal(show(3360, volume(3360, 21, 2)), '80/2/21 none', 'a floppy of 1.68 MB');
  t.equal(show(100000, volume(100000, 32, 16)), '195/16/32 none');
  t.equal(show(200 * 255 * 63, volume(200 * 255 * 63, 63, 255)), '3187/16/63 large');
  for (const [why, boot] of [
    ['another size', volume(3361, 21, 2)],
    ['sectors of 1024 bytes', volume(3360, 21, 2, 1024)],
    ['no sectors', volume(3360, 0, 2)],
    ['no heads', volume(3360, 21, 0)],
    ['no jump', volume(3360, 21, 2, 512, 0xfa)],
  ] as const) t.equal(show(3360, boot), '3/16/63 none', why);
  t.end();
});

test('geometry that INT 13h shows: at most 1024 cylinders', (t) => {
  const none = new Uint8Array(512);
  for (const [sectors, table, expected] of [
    [2880, none, [80, 2, 18]],
    [1024 * 1008, none, [1024, 16, 63]],
    [1025 * 1008, none, [512, 32, 63]],
    [6 * 2 ** 20, none, [780, 128, 63]],
    [20 * 2 ** 20, none, [1024, 255, 63]],
    [2 ** 31, none, [1024, 255, 63]],
    [200 * 255 * 63, mbr({ end: [199, 254, 63], start: 2048, length: 200 * 255 * 63 - 2048 }), [796, 64, 63]],
    [2000 * 16 * 63, mbr({ end: [1023, 15, 63], start: 63, length: 2000 * 16 * 63 - 63 }), [1024, 16, 63]],
  ] as const) {
    const { cylinders, heads, sectors: perTrack } = int13Geometry(diskGeometry(sectors, table), sectors);
    t.deepEqual([cylinders, heads, perTrack], expected, `${sectors} sectors`);
  }
  t.end();
});
