/** What a file is taken for by its first bytes. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'tape';
import { lookAtGuest, whatBeginsWith, type GuestLook } from '../../../../src/vmm/boot/guest-look.js';
import { bzImage } from './bzimage.js';

const SIGNATURE = { 510: [0x55, 0xaa] };
const MULTIBOOT = { 1024: [0x02, 0xb0, 0xad, 0x1b, 0, 0, 0, 0, 0xfe, 0x4f, 0x52, 0xe4] };
const VOLUME = { 0x8000: [1, ...Buffer.from('CD001')] };
const ELF = { 0: [0x7f, 0x45, 0x4c, 0x46] };
const QCOW2 = { 0: [0x51, 0x46, 0x49, 0xfb] };

function file(size: number, ...parts: readonly Readonly<Record<number, readonly number[]>>[]): Uint8Array {
  const bytes = new Uint8Array(size);
  for (const part of parts) for (const [at, content] of Object.entries(part)) bytes.set(content, Number(at));
  return bytes;
}

test('guest look: a file by its first bytes', (t) => {
  const rows: readonly (readonly [string, Uint8Array, GuestLook])[] = [
    ['one sector', file(512, SIGNATURE), 'boot-sector'],
    ['one sector and a byte', file(513, SIGNATURE), 'disk'],
    ['a disk with GRUB, whose core image has a Multiboot header', file(0x9000, SIGNATURE, MULTIBOOT), 'disk'],
    ['an ISO that is a disk too', file(0x9000, SIGNATURE, VOLUME), 'disk'],
    ['an ISO', file(0x9000, VOLUME), 'cdrom'],
    ['a Multiboot kernel', file(0x9000, MULTIBOOT), 'program'],
    ['an ELF file with the signature by chance', file(0x9000, ELF, SIGNATURE), 'program'],
    ['a Linux kernel', bzImage({}), 'linux'],
    ['a disk that is not raw', file(0x9000, QCOW2), 'disk'],
    ['bytes', file(600), 'bytes'],
    ['nothing', file(0), 'bytes'],
  ];
  for (const [name, bytes, expected] of rows) t.equal(whatBeginsWith(bytes.subarray(0, 0x8800), bytes.length), expected, name);
  t.end();
});

test('guest look: of a disk of 1 TiB only the beginning is read; what cannot be read is nobody\'s disk', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-look-'));
  try {
    const path = join(folder, 'large.img');
    writeFileSync(path, file(512, SIGNATURE));
    truncateSync(path, 2 ** 40);
    t.equal(lookAtGuest(path), 'disk');
    t.equal(lookAtGuest(folder), 'bytes');
    t.equal(lookAtGuest(join(folder, 'none')), 'bytes');
  } finally {
    rmSync(folder, { recursive: true });
  }
  t.end();
});
