/**
 * A CD-ROM of grub-mkrescue (Debian's grub-common, xorriso, mtools) under SeaBIOS and gdb, to a kernel that GRUB 2 chains. GRUB's core
 * unpacks itself, which a software KVM interprets for some 25 seconds, for QEMU too; what the devices do takes a quarter of a second.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'tape';
import { checkAnswers, withAttachedGdb } from '../support/gdb-console.js';
import { buildGuests, GUESTS_FOLDER } from '../support/gdb-session.js';
import { PATIENCE_MILLISECONDS } from './running.js';
import { folderOfFile } from '../../temporary-folder.js';

const MODULES = '/usr/lib/grub/i386-pc';
const folder = folderOfFile();

test('GRUB: a CD-ROM of grub-mkrescue chains a Multiboot kernel, whose lines gdb knows', async (t) => {
  buildGuests();
  const tree = join(folder, 'iso/boot/grub');
  mkdirSync(tree, { recursive: true });
  copyFileSync(join(GUESTS_FOLDER, 'build/kernel32.elf'), join(folder, 'iso/boot/kernel32.elf'));
  writeFileSync(join(tree, 'grub.cfg'), 'multiboot /boot/kernel32.elf from GRUB\nboot\n');
  const iso = join(folder, 'grub.iso');
  execFileSync('grub-mkrescue', ['-d', MODULES, '-o', iso, '--locales=', '--fonts=', '--themes=', '--install-modules=multiboot normal biosdisk iso9660 part_msdos', join(folder, 'iso')], { stdio: 'ignore' });
  await withAttachedGdb(['--cdrom', iso, '--symbols', 'build/kernel32.elf'], async (gdb, server) => {
    await checkAnswers(t, gdb, [
      ['hbreak kernel_main', /Hardware assisted breakpoint 1 /],
    ]);
    gdb.begin('continue');
    t.match(await gdb.answer(PATIENCE_MILLISECONDS), /Breakpoint 1, kernel_main \(/);
    await checkAnswers(t, gdb, [
      ['info registers mode', /PROTECTED32/],
      ['print info->flags != 0', /= 1\n/],
      ['bt', /#0 +kernel_main/],
      ['continue', /exited/],
    ]);
    t.match(server.output.stdout, /command line: .*from GRUB\r?\n/);
  });
});
