/** ROMs other than SeaBIOS and U-Boot as firmware: the BIOS of Bochs boots a CD-ROM and a disk, OVMF comes out of real mode. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'tape';
import { checkAnswers, withAttachedGdb } from '../support/gdb-console.js';
import { GDB_HELPER } from '../support/gdb-session.js';
import { bootableIso } from '../../kvm/machine/el-torito.js';

test('the BIOS of Bochs: from the reset vector to the CD-ROM that --boot-order names first, and to the boot sector of a disk, which ends the guest', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-bochs-'));
  const disk = new Uint8Array(64 * 512);
  disk.set([0xb0, 0x03, 0xe6, 0xf4, 0xf4]); // mov al, 3; out f4h, al
  disk.set([0x55, 0xaa], 510);
  writeFileSync(join(folder, 'disk.img'), disk);
  writeFileSync(join(folder, 'cd.iso'), bootableIso(Uint8Array.of(0xcd, 0x18), 64, new Map())); // int 18h: the next device
  try {
    await withAttachedGdb(['--firmware', '/usr/share/bochs/BIOS-bochs-legacy', '--log', 'firmware', '--boot-order', 'cdrom,disk', '--cdrom', join(folder, 'cd.iso'), join(folder, 'disk.img')], async (gdb, server) => {
      await checkAnswers(t, gdb, [
        [`source ${GDB_HELPER}`, /^$/],
        ['x/i $pc', /=> 0xfffffff0:\s+ljmp +\$0xf000,\$0xe05b\n/],
        ['break *0x7c00', /Breakpoint 1 at 0x7c00/],
        ['continue', /Breakpoint 1, 0x0*7c00 in/],
        ['print/x $dl', /= 0xffffffe0\n|= 0xe0\n/],
        ['continue', /Breakpoint 1, 0x0*7c00 in/],
        ['print/x $dl', /= 0xffffff80\n|= 0x80\n/],
        ['kvm bda', /hard disks? +1|1 hard disk/],
        ['continue', /exited with code 07/],
      ]);
      t.match(server.output.stderr, /firmware ata0-0: PCHS=\d+\/16\/63/, 'it knows the disk');
      t.match(server.output.stderr, /firmware Booting from 07c0:0000[^]*firmware Booting from 0000:7c00/);
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('OVMF: from the reset vector to 32-bit protected mode', async (t) => {
  await withAttachedGdb(['--firmware', '/usr/share/OVMF/OVMF_CODE_4M.fd'], async (gdb) => {
    await checkAnswers(t, gdb, [
      [`source ${GDB_HELPER}`, /^$/],
      ['x/3i $pc', /=> 0xfffffff0:\s+nop\s+0xfffffff1:\s+nop\s+0xfffffff2:\s+jmp/],
      ['monitor catch mode-switch', /Catchpoint 1/],
      ['continue', /cpu0: from real16 to protected16 by MOV at 0xffff\w+ \(real16\)/],
      ['x/i $pc', /=> 0xffff\w+:\s+ljmpl +\$0x10,\$0xffff/],
      ['continue', /cpu0: from protected16 to protected32 by JMP/],
      ['kvm mode', /^protected32, cpl 0, cs:ip 0010:ffff/],
      ['x/i $pc', /=> 0xffff\w+:\s+mov +\$0x\w+,%eax/],
      ['monitor uncatch', /^No catchpoints\.$/m],
    ]);
  });
});
