/** OVMF from the reset vector to its UEFI shell. */
import { checkAnswers } from '../../gdb/support/gdb-console.js';
import { patience } from '../../time-scale.js';
import { program, withProgram } from './running-program.js';

const ROM = '/usr/share/OVMF/OVMF_CODE_4M.fd';

program('OVMF from the reset vector to its shell, which answers', [], async (t) => {
  await withProgram(t, ['--firmware', ROM], async ({ gdb, serial, runUntil }) => {
    await checkAnswers(t, gdb, [
      ['x/3i $pc', /=> 0xfffffff0:\s+nop\s+0xfffffff1:\s+nop\s+0xfffffff2:\s+jmp/],
      ['kvm mode', /^real16, cpl 0, /],
    ]);
    await runUntil(() => serial.waitFor(/Shell> /, patience(60_000)));
    await checkAnswers(t, gdb, [
      ['kvm mode', /^long64, cpl 0, /],
      ['kvm gdt', /CS64 [^\n]*<- cs\n/],
      ['kvm pagetable $pc', /^\d-level paging[^]*is physical 0x/],
      ['stepi 3', /0x0*[0-9a-f]+ in/],
    ]);
    await runUntil(async () => {
      serial.type('echo six times seven\r');
      t.match(await serial.waitFor(/\nsix times seven/), /Shell> echo six times seven\r\nsix times seven\r\n/, 'the shell answers');
    });
  });
});
