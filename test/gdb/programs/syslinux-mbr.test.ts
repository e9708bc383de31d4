/** SYSLINUX's mbr.bin (Debian's syslinux-common) on a disk without a partition: SeaBIOS and the built-in BIOS, to its message. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'tape';
import { checkAnswers, withAttachedGdb } from '../support/gdb-console.js';
import { GDB_HELPER } from '../support/gdb-session.js';
import { REAL_MODE_OPTIONS, SKIP_BREAKPOINTS_IN_FIRMWARE } from '../support/real-mode-options.js';
import { untilSaid } from './running.js';
import { folderOfFile } from '../../temporary-folder.js';

const MBR = '/usr/lib/syslinux/mbr/mbr.bin';
const folder = folderOfFile();

function disk(): string {
  const image = Buffer.alloc(2048 * 512);
  image.set(readFileSync(MBR));
  image.set([0x55, 0xaa], 510);
  const path = join(folder, 'disk.img');
  writeFileSync(path, image);
  return path;
}

/** From 7c00 over the copy of itself that it jumps to, and over its first BIOS call. */
const SESSION: readonly (readonly [string, RegExp])[] = [
  [`source ${GDB_HELPER}`, /^$/],
  ['print/x $pc', /= 0x7c00\n/],
  ['break *0x61f', /Breakpoint 1 /], // there is nothing yet
  ['continue', /Breakpoint 1, 0x0*61f /],
  ['break *0x62b', /Breakpoint 2 /],
  ['continue', /Breakpoint 2, 0x0*62b /],
  ['x/i $pc', /=> 0x62b:\s+int +\$0x13\n/],
  ['nexti', /0x0*62d /],
  ['print/x $bx', /= (0xffff)?aa55\n|= 0xaa55\n/], // it has the extensions of INT 13h
  ['delete', /^$/],
];

test('SYSLINUX mbr.bin under SeaBIOS: to "Missing operating system."', { skip: SKIP_BREAKPOINTS_IN_FIRMWARE }, async (t) => {
  await withAttachedGdb([disk(), '--stop-at', 'boot-sector'], async (gdb, server) => {
    await checkAnswers(t, gdb, SESSION);
    await untilSaid(gdb, server, /Missing operating system\./);
    t.pass('its message is on the serial line');
  });
});

test('SYSLINUX mbr.bin with the built-in BIOS: the same session, and its message on the screen', async (t) => {
  await withAttachedGdb([...REAL_MODE_OPTIONS, '--firmware', 'builtin', disk()], async (gdb) => {
    await checkAnswers(t, gdb, SESSION);
    await checkAnswers(t, gdb, [
      ['break *(*(unsigned short *)0x60 + 16 * *(unsigned short *)0x62)', /Breakpoint 3 /], // INT 18h, when there is nothing to boot
      ['continue', /Breakpoint 3, /],
      ['monitor screen', /Missing operating system\./],
    ]);
  });
});
