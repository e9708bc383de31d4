// Real programs that a machine boots, from Debian's packages, as files for the guests of test/hosts/programs.
import { cpSync, existsSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { capture, tail } from '../../scripts/run-quietly.mjs';
import { Unavailable, unpacked, unpackedCommand } from './debian-packages.mjs';
import { cpioEntry } from './initramfs.mjs';
import { packageSets } from './package-sets.mjs';

/** Where a host's disk has them. */
export const PROGRAMS_FOLDER = '/programs';
const DISK_BYTES = 16 * 1024 * 1024;
/** `PROMPT 1` without a TIMEOUT waits at `boot:` for ever. */
const SYSLINUX_CONFIG = 'PROMPT 1\nTIMEOUT 0\n';
const INIT = `#!/bin/busybox sh
/bin/busybox mount -t devtmpfs d /dev
exec /bin/busybox setsid /bin/busybox sh -c "exec /bin/busybox sh </dev/ttyS0 >/dev/ttyS0 2>&1"
`;

/** @throws {Unavailable} with the tool's last line */
async function run(command, args, options = {}) {
  const { status, stdout, stderr } = await capture(command, args, { timeoutSeconds: 60, ...options });
  if (status !== 0) throw new Unavailable(`${command} failed: ${tail(stderr.trim() || stdout, 1)}`);
}

/** A disk without partitions: SYSLINUX on FAT16. Its installer calls mtools by their names. */
async function syslinuxDisk(folder, top) {
  const disk = join(folder, 'syslinux.img');
  writeFileSync(disk, '');
  truncateSync(disk, DISK_BYTES);
  const env = { ...process.env, PATH: ['usr/bin', 'sbin', 'usr/sbin'].map((part) => join(top, part)).concat(process.env.PATH ?? '').join(':'), MTOOLS_SKIP_CHECK: '1' };
  await run('mkfs.vfat', ['-F', '16', disk], { env });
  await run('syslinux', ['--install', disk], { env });
  writeFileSync(join(folder, 'syslinux.cfg'), SYSLINUX_CONFIG);
  await run('mcopy', ['-i', disk, join(folder, 'syslinux.cfg'), '::/'], { env });
}

async function isolinuxDisc(folder, tools) {
  const tree = join(folder, 'iso');
  mkdirSync(tree, { recursive: true });
  cpSync(join(tools, 'usr/lib/ISOLINUX/isolinux.bin'), join(tree, 'isolinux.bin'));
  cpSync(join(tools, 'usr/lib/syslinux/modules/bios/ldlinux.c32'), join(tree, 'ldlinux.c32'));
  writeFileSync(join(tree, 'isolinux.cfg'), SYSLINUX_CONFIG);
  const [loader, ...args] = unpackedCommand(tools, 'usr/bin/genisoimage');
  await run(loader, [...args, '-quiet', '-o', join(folder, 'isolinux.iso'), '-b', 'isolinux.bin', '-c', 'boot.cat',
    '-no-emul-boot', '-boot-load-size', '4', '-boot-info-table', tree]);
}

/** A first file system with busybox alone, whose shell talks on the serial port. */
function shellInitramfs(busybox) {
  const [directory, program] = [0o040755, 0o100755];
  return gzipSync(Buffer.concat([
    cpioEntry('bin', directory), cpioEntry('dev', directory), cpioEntry('bin/busybox', program, busybox),
    cpioEntry('init', program, Buffer.from(INIT)), cpioEntry('TRAILER!!!', 0),
  ]), { level: 1 });
}

/**
 * Makes the files: syslinux.img, isolinux.iso, memtest.bin (a kernel by Linux's boot protocol), initramfs.gz.
 * @param {string} cache of unpacked packages
 * @param {string} folder to make them in
 * @param {Buffer} busybox without shared libraries
 * @throws {Unavailable} where the packages cannot be had
 */
export async function makePrograms(cache, folder, busybox) {
  const tools = await unpacked(cache, 'tools', packageSets.tools);
  const top = await unpacked(cache, 'programs', packageSets.programs);
  mkdirSync(folder, { recursive: true });
  await syslinuxDisk(folder, top);
  await isolinuxDisc(folder, tools);
  const memtest = join(top, 'boot/memtest86+x64.bin');
  if (!existsSync(memtest)) throw new Unavailable('Debian\'s memtest86+ has no boot/memtest86+x64.bin.');
  cpSync(memtest, join(folder, 'memtest.bin'));
  writeFileSync(join(folder, 'initramfs.gz'), shellInitramfs(busybox));
}
