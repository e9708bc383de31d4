/** Disks, ROMs and kernels that cannot be: one sentence, a status, nothing written. */
import { spawnSync } from 'node:child_process';
import { linkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'tape';
import { bzImage } from '../unit/vmm/boot/bzimage.js';
import { SERVER_MAIN } from '../server-command.js';
import { folderOfFile } from '../temporary-folder.js';

const folder = folderOfFile();

function file(name: string, bytes: Uint8Array, size = bytes.length): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  truncateSync(path, size);
  return path;
}

const KERNEL = bzImage({ code64: [0xf4] });
const SIGNATURE = new Uint8Array(512).fill(0x55, 510, 511).fill(0xaa, 511);
const odd = file('odd.img', SIGNATURE, 1000);
const disk = file('disk.img', SIGNATURE, 4096);
linkSync(disk, join(folder, 'link.img'));
const iso = file('data.iso', Buffer.concat([Buffer.alloc(0x8000), Buffer.from('\x01CD001\x01', 'latin1')]), 64 * 2048);

const rows: readonly (readonly [name: string, args: readonly string[], sentence: RegExp])[] = [
  ['an odd size, to be written', ['--disk', `${odd},write`], /odd\.img has 1000 bytes, not a multiple of 512, so its last sector cannot be written; fill it up: truncate -s %512 /],
  ['an ISO that is not bootable, by the built-in BIOS', ['--firmware', 'builtin', iso], /data\.iso has no boot sector: its first sector does not end in 55 AA\.$/],
  ['two disks with one name', ['--disk', disk, '--disk', disk], /disk\.img is given twice; a file can be only one drive\.$/],
  ['two names of one disk', [disk, '--disk', join(folder, 'link.img')], /disk\.img and .*link\.img are the same file; a file can be only one drive\.$/],
  ['a ROM that is too large', ['--firmware', file('large.rom', new Uint8Array(1), 16 * 1024 ** 2 + 4096)], /large\.rom has 16781312 bytes, and there is room for 16 MiB of firmware below 4 GiB; give a ROM image\.$/],
  ['a ROM larger than that', ['--firmware', file('huge.rom', new Uint8Array(1), 3 * 1024 ** 3)], /huge\.rom has 3221225472 bytes, more than the 2 GiB a ROM image may have\.$/],
  ['a ROM of zeros', ['--firmware', file('zero.rom', new Uint8Array(1), 65536)], /zero\.rom has no code at its reset vector, its last 16 bytes; is it a ROM image\?$/],
  ['a ROM that is a device', ['--firmware', '/dev/zero'], /\/dev\/zero is not a file; give a ROM image\.$/],
  ['a kernel cut in its header', [file('header.bz', KERNEL, 600)], /header\.bz is truncated: the setup header should reach byte 620, and the file has 600; build or copy it again\.$/],
  ['a kernel cut in its setup code', [file('setup.bz', KERNEL, 2000)], /setup\.bz is truncated: the setup code \(4 sectors\) should reach byte 2560, and the file has 2000/],
  ['a kernel cut in its code, behind firmware', ['--firmware', 'seabios', file('code.bz', KERNEL, 2600)], /code\.bz is truncated: the protected-mode code should reach byte \d+, and the file has 2600/],
  ['a disk that is not there', ['--disk', join(folder, 'none.img')], /There is no file .*none\.img; check the path of the disk\.$/],
  ['a disk in another format', ['--disk', file('q.img', Uint8Array.of(0x51, 0x46, 0x49, 0xfb), 4096)], /q\.img is a qcow2 image, and only raw ones can be used; convert it: qemu-img convert /],
];

test('disks, ROMs and kernels that cannot be', (t) => {
  for (const [name, args, sentence] of rows) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [SERVER_MAIN, '--listen', ':0', ...args], { encoding: 'utf8', timeout: 20_000, killSignal: 'SIGKILL' });
    const [said, ...rest] = stderr.trimEnd().split('\n');
    t.match(said, sentence, name);
    t.ok((status === 1 && rest.length === 0) || (status === 2 && rest.join() === 'Try kvm-gdbserver --help.'), `${name}: status ${status} and nothing more`);
    t.equal(stdout, '', `${name}: nothing on stdout`);
  }
  t.end();
});
