/** U-Boot's x86 ROM (Debian's u-boot-qemu) as firmware, from the reset vector to its prompt. */
import test from 'tape';
import { checkAnswers, withAttachedGdb } from '../support/gdb-console.js';
import { GDB_HELPER } from '../support/gdb-session.js';
import { FIRMWARE_OPTIONS } from '../support/real-mode-options.js';
import { untilSaid } from './running.js';

const ROM = '/usr/lib/u-boot/qemu-x86/u-boot.rom';

test('U-Boot: from the reset vector into protected mode, to its banner and its prompt', async (t) => {
  await withAttachedGdb([...FIRMWARE_OPTIONS, '--firmware', ROM], async (gdb, server) => {
    await checkAnswers(t, gdb, [
      [`source ${GDB_HELPER}`, /^$/],
      ['print/x $pc', /= 0xfffffff0\n/],
      ['info registers mode', /REAL16/],
      ['x/2i $pc', /=> 0xfffffff0:\s+cli\s+0xfffffff1:\s+cld\n/],
      ['find /b 0xfffff000, 0xfffffff0, 0x0f, 0x22, 0xc0', /2 patterns found/], // mov %eax, %cr0: the cache off, then protected mode
      ['hbreak *$_', /Hardware assisted breakpoint 1 /],
      ['continue', /Breakpoint 1, /],
      ['stepi 4', /0x/],
      ['info registers mode', /PROTECTED32/],
      ['delete', /^$/],
    ]);
    await untilSaid(gdb, server, /U-Boot 20\d\d\.\d\d[^]*Model: QEMU x86 \(I440FX\)[^]*=> /);
    t.pass('its banner and its prompt');
    t.notOk(/error:/i.test(server.output.stdout), 'it finds every table that it looks for');
    await gdb.run('monitor keys version\\n');
    await untilSaid(gdb, server, /=> version\r?\n[^]*U-Boot 20\d\d\.\d\d[^]*=> /);
    t.pass('it takes a command from the keyboard');
    await checkAnswers(t, gdb, [
      ['kvm mode', /^protected32, cpl 0, /],
      ['kvm gdt', /CS32 [^\n]*<- cs\n/],
      ['kvm pci', /host bridge/],
    ]);
  });
});
