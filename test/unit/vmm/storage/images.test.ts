import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, readFileSync, readdirSync, statSync, symlinkSync, truncateSync } from 'node:fs';
import type { Test } from 'tape';
import { GuestError } from '../../../../src/vmm/boot/boot-options.js';
import { ImageError, type BlockImage } from '../../../../src/vmm/storage/block-image.js';
import { chooseDrives } from '../../../../src/vmm/storage/disk-choice.js';
import { FileImage } from '../../../../src/vmm/storage/file-image.js';
import { closeDrives, openDrives } from '../../../../src/vmm/storage/open-drives.js';
import { SnapshotImage } from '../../../../src/vmm/storage/snapshot-image.js';
import { imageTest, pattern } from './temporary-images.js';

const TIB = 2 ** 40;

function read(image: BlockImage, offset: number, length: number): Uint8Array {
  const target = new Uint8Array(length).fill(0xcc);
  image.read(offset, target);
  return target;
}

function refuses(t: Test, action: () => void, sentence: RegExp): void {
  t.throws(action, (error: Error) => error instanceof GuestError && sentence.test(error.message), String(sentence));
}

imageTest('a file is read where it is asked for, and written only if it may be', (t, folder) => {
  const bytes = pattern(4 * 512);
  const path = folder.file('a.img', bytes);
  const closed = new FileImage(path, false, 512);
  t.equal(closed.size, 2048);
  t.ok(closed.readOnly);
  t.deepEqual(read(closed, 700, 600), bytes.slice(700, 1300));
  t.throws(() => closed.write(0, pattern(512)), ImageError);
  t.throws(() => read(closed, 1537, 512), RangeError);
  t.throws(() => read(closed, -1, 1), RangeError);
  closed.close();
  closed.close();

  const open = new FileImage(path, true, 512);
  open.write(512, pattern(512, 7));
  open.flush();
  t.deepEqual(read(open, 512, 512), pattern(512, 7));
  open.close();
  t.deepEqual(new Uint8Array(readFileSync(path).subarray(512, 1024)), pattern(512, 7));
  t.deepEqual(new Uint8Array(readFileSync(path).subarray(1024)), bytes.slice(1024));
});

imageTest('1 TiB costs nothing', (t, folder) => {
  const path = folder.sparse('big.img', TIB);
  const image = new SnapshotImage(new FileImage(path, false, 512));
  t.equal(image.size, TIB);
  image.write(TIB - 512, pattern(512));
  image.write(TIB / 2 + 100, pattern(10));
  t.deepEqual(read(image, TIB - 1024, 1024), Uint8Array.of(...new Uint8Array(512), ...pattern(512)));
  t.deepEqual(read(image, TIB / 2 + 100, 10), pattern(10));
  t.equal(image.overlayBytes, 8192);
  image.close();
  t.equal(statSync(path).blocks, 0, 'the image has no block of its own still');
});

imageTest('snapshot: reads see the writes, the file never does', (t, folder) => {
  const size = 64 * 1024;
  const expected = pattern(size);
  const path = folder.file('a.img', expected);
  const before = readFileSync(path);
  const image = new SnapshotImage(new FileImage(path, false, 512));
  let seed = 99;
  const random = (below: number): number => (seed = (seed * 69069 + 1) % 2 ** 31) % below;
  for (let i = 0; i < 500; i++) {
    const offset = random(size), length = Math.min(size - offset, random(i % 5 === 0 ? 20_000 : 600));
    if (i % 2 === 0) {
      const bytes = pattern(length, i + 2);
      image.write(offset, bytes);
      expected.set(bytes, offset);
    } else if (Buffer.compare(read(image, offset, length), expected.subarray(offset, offset + length)) !== 0) {
      t.fail(`read ${i} of ${length} at ${offset}`);
    }
  }
  t.deepEqual(read(image, 0, size), expected);
  image.close();
  t.ok(readFileSync(path).equals(before));
});

imageTest('snapshot: the temporary file has no name, and a folder that cannot hold it is an error', (t, folder) => {
  const path = folder.file('a.img', pattern(4096));
  const { TMPDIR } = process.env;
  const log: string[] = [];
  try {
    process.env['TMPDIR'] = folder.path('');
    const image = new SnapshotImage(new FileImage(path, false, 512));
    image.write(0, pattern(512, 2));
    t.deepEqual(readdirSync(folder.path('')), ['a.img']);
    image.close();
    process.env['TMPDIR'] = folder.path('none');
    const hopeless = new SnapshotImage(new FileImage(path, false, 512), (text) => log.push(text));
    for (let i = 0; i < 2; i++) t.throws(() => hopeless.write(0, pattern(512, 2)), ImageError);
    t.deepEqual(read(hopeless, 0, 4096), pattern(4096), 'nothing was changed');
    hopeless.close();
  } finally {
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
  }
  t.equal(log.length, 1);
  t.match(log[0], /^The temporary file with the guest's writes to a\.img \(in .*none\) cannot be written: ENOENT/);
});

imageTest('snapshot: a saved state comes back whatever is written after it', (t, folder) => {
  const image = new SnapshotImage(new FileImage(folder.file('a.img', pattern(16384)), false, 512));
  image.write(512, pattern(512, 2));
  const first = image.save();
  const atFirst = read(image, 0, 16384);
  image.write(512, pattern(512, 3));
  image.write(8192, pattern(4096, 4));
  const second = JSON.parse(JSON.stringify(image.save())) as typeof first;
  const atSecond = read(image, 0, 16384);
  image.restore(first);
  t.deepEqual(read(image, 0, 16384), atFirst);
  image.write(512, pattern(512, 5));
  image.restore(second);
  t.deepEqual(read(image, 0, 16384), atSecond);
  image.restore(first);
  t.deepEqual(read(image, 0, 16384), atFirst, 'the write after the first restore spoilt neither');
  image.close();
});

imageTest('a last partial sector is filled up with zeros, and said so', (t, folder) => {
  const path = folder.file('odd.img', pattern(1000));
  const log: string[] = [];
  const image = new SnapshotImage(new FileImage(path, false, 512, (text) => log.push(text)));
  t.equal(image.size, 1024);
  t.deepEqual(read(image, 512, 512), Uint8Array.of(...pattern(1000).slice(512), ...new Uint8Array(24)));
  image.write(512, pattern(512, 3));
  t.deepEqual(read(image, 512, 512), pattern(512, 3));
  t.deepEqual(log, [`${path} has 1000 bytes, not a multiple of 512; the guest sees its last sector filled up with 24 zero bytes.`]);
  image.close();
  refuses(t, () => new FileImage(path, true, 512), /its last sector cannot be written; fill it up: truncate -s %512 /);
  t.equal(new FileImage(path, false, 2048, () => undefined).size, 2048);
});

imageTest('a file that shrinks under the guest is an error with one log line', (t, folder) => {
  const path = folder.file('a.img', pattern(4096));
  const log: string[] = [];
  const image = new FileImage(path, false, 512, (text) => log.push(text));
  truncateSync(path, 1024);
  t.deepEqual(read(image, 0, 1024), pattern(4096).slice(0, 1024));
  for (const offset of [512, 2048]) t.throws(() => read(image, offset, 1024), ImageError);
  t.equal(log.length, 1);
  t.match(log[0], /^a\.img has no byte 1024 any more; it had 4096 bytes when it was opened\. The guest gets an error/);
  image.close();
});

imageTest('what is no raw image is refused in words', (t, folder) => {
  const open = (path: string): FileImage => new FileImage(path, false, 512);
  refuses(t, () => open(folder.path('none')), /^There is no file .*none; check the path of the disk\.$/);
  refuses(t, () => open(folder.path('.')), /is a directory|is not a file/);
  refuses(t, () => open(folder.file('empty', new Uint8Array())), /is empty; give a disk image with at least one sector/);
  refuses(t, () => open('/dev/null'), /^\/dev\/null is not a file/);
  execFileSync('mkfifo', [folder.path('fifo')]);
  refuses(t, () => open(folder.path('fifo')), /fifo is not a file/);
  refuses(t, () => open(folder.file('q', Uint8Array.of(0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3))), /is a qcow2 image.*qemu-img convert -O raw/);
  const vdi = new Uint8Array(512);
  vdi.set([0x7f, 0x10, 0xda, 0xbe], 0x40);
  refuses(t, () => open(folder.file('v', vdi)), /is a VDI image/);
  const path = folder.file('secret', pattern(512));
  chmodSync(path, 0);
  if (process.getuid?.() === 0) t.comment('root may read everything: no test of permissions');
  else refuses(t, () => open(path), /cannot be read: permission denied/);
});

imageTest('one file by two names is refused, and nothing stays open', (t, folder) => {
  const path = folder.file('a.img', pattern(512));
  linkSync(path, folder.path('hard'));
  symlinkSync(path, folder.path('soft'));
  const descriptors = readdirSync('/proc/self/fd').length;
  for (const name of ['hard', 'soft']) {
    refuses(t, () => openDrives(chooseDrives({ disk: [path, folder.path(name)] })), /are the same file; a file can be only one drive/);
  }
  refuses(t, () => openDrives(chooseDrives({ disk: [path, folder.path('none')] })), /There is no file/);
  t.equal(readdirSync('/proc/self/fd').length, descriptors);
  const drives = openDrives(chooseDrives({ disk: [`${path},readonly`], cdrom: folder.file('x.iso', pattern(4096)) }));
  t.deepEqual(drives.map(({ kind, image }) => [kind, image.size, image.readOnly]), [['disk', 512, true], ['cdrom', 4096, true]]);
  closeDrives(drives);
  t.equal(readdirSync('/proc/self/fd').length, descriptors);
});
