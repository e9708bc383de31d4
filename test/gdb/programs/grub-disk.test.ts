/** GRUB 2 of Debian's grub-pc-bin under SeaBIOS and gdb, from a hard disk to its rescue prompt. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'tape';
import { checkAnswers, withAttachedGdb } from '../support/gdb-console.js';
import { GDB_HELPER } from '../support/gdb-session.js';
import { PATIENCE_MILLISECONDS, untilSaid } from './running.js';
import { folderOfFile } from '../../temporary-folder.js';

const MODULES = '/usr/lib/grub/i386-pc';
const SECTOR = 512;
/** The first `mov %eax, %cr0` of GRUB's code for both ways (grub-core/kern/i386/realmode.S), which is the way into protected mode. */
const FIND_SWITCH = 'find /1b 0x8200, +0x1000, 0x0f, 0x22, 0xc0';
const folder = folderOfFile();

/** boot.img in sector 0, core.img from sector 1 on, as grub-bios-setup leaves them; there is no partition to load more from. */
function disk(): string {
  const early = join(folder, 'early.cfg');
  writeFileSync(early, 'serial --unit=0\nterminal_input console serial\nterminal_output serial\n');
  const core = join(folder, 'core.img');
  execFileSync('grub-mkimage', ['-d', MODULES, '-O', 'i386-pc', '-o', core, '-p', '(hd0)/boot/grub', '-c', early, 'biosdisk', 'serial', 'terminal', 'minicmd']);
  const image = Buffer.alloc(2048 * SECTOR);
  image.set(readFileSync(join(MODULES, 'boot.img')));
  image.set(readFileSync(core), SECTOR);
  const path = join(folder, 'disk.img');
  writeFileSync(path, image);
  return path;
}

test('GRUB: from a disk, through its switches to protected mode and back, to lsmod at the rescue prompt', async (t) => {
  await withAttachedGdb([disk()], async (gdb, server) => {
    await checkAnswers(t, gdb, [
      [`source ${GDB_HELPER}`, /^$/],
      ['break *0x7c00', /Breakpoint 1 /],
      ['continue', /Breakpoint 1, 0x0*7c00 /],
      ['x/i $pc', /=> 0x7c00:\s+jmp +0x7c65\n/],
      ['break *0x8000', /Breakpoint 2 /],
      ['continue', /Breakpoint 2, 0x0*8000 /], // what boot.img has read by INT 13h: diskboot.img
      ['break *0x8200', /Breakpoint 3 /],
      ['continue', /Breakpoint 3, 0x0*8200 /], // the core image: it enters protected mode to decompress itself
      [FIND_SWITCH, /0x82/],
      ['break *$_', /Breakpoint 4 /],
      ['continue', /Breakpoint 4, /],
      ['info registers mode', /REAL16/],
      ['stepi', /0x/], // mov %eax,%cr0
      ['info registers mode', /PROTECTED16/],
      ['stepi', /0x/], // ljmp
      ['info registers mode', /PROTECTED32/],
      ['print $cr0', /PE/],
      ['print/x $int13 = *(unsigned short *)0x4c + 16 * *(unsigned short *)0x4e', /= 0xf/],
      ['delete', /^$/],
      ['break *$int13', /Breakpoint 5 /],
    ]);
    gdb.begin('continue');
    t.match(await gdb.answer(PATIENCE_MILLISECONDS), /Breakpoint 5, /, 'decompressed, it is back in real mode to ask the BIOS for its disk');
    await checkAnswers(t, gdb, [
      ['info registers mode', /REAL16/],
      ['delete', /^$/],
      ['x/2xh $ss_base + $sp', /:\s+0x[89]\w{3}\s+0x0000\n/], // the caller
      [FIND_SWITCH, /0x82/],
      ['break *$_', /Breakpoint 6 /],
      ['continue', /Breakpoint 6, /], // on the way back from there
      ['info registers mode', /REAL16/],
      ['stepi 2', /0x/],
      ['info registers mode', /PROTECTED32/],
      ['delete', /^$/],
    ]);
    await untilSaid(gdb, server, /grub rescue> /);
    await gdb.run('monitor keys lsmod\\n');
    await untilSaid(gdb, server, /lsmod\r?\n[^]*grub rescue> /);
    t.match(server.output.stdout, /Name\s+Ref Count\s+Dependencies\r?\n[^]*minicmd\s[^]*biosdisk\s/, 'lsmod lists what is in the core image');
    t.notOk(/no device at|no service/.test(server.output.stderr), 'no access that needs a word');
  });
});
