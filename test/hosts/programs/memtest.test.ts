/** memtest86+, started by Linux's boot protocol, to its test screen. */
import { checkAnswers } from '../../gdb/support/gdb-console.js';
import { program, withProgram } from './running-program.js';

program('memtest86+ to its test screen', ['memtest.bin'], async (t, [file]) => {
  await withProgram(t, ['--irqchip', 'kernel', '--memory', '32M', '--append', 'console=ttyS0,115200', file], async ({ gdb, serial, runUntil }) => {
    await checkAnswers(t, gdb, [
      ['kvm mode', /^long64, cpl 0, /],
      ['kvm e820', /^The guest was told by the zero page at 0x[0-9a-f]+:\n0x0{12}-/],
    ]);
    // Its serial port shows what its screen does, line by line.
    await runUntil(() => serial.waitFor(/Status: Testing/));
    t.match(await gdb.run('kvm screen'), /Memtest86\+[^]*Status: Testing/, 'its screen');
    await checkAnswers(t, gdb, [
      ['kvm pagetable $pc', /^4-level paging[^]*is physical 0x/],
      ['kvm gdt', /CS64 [^\n]*<- cs\n/],
      ['watch *(int *)($rsp & ~0xfffULL)', /atchpoint/],
      ['delete', /^$/],
      ['stepi 20', /0x0*[0-9a-f]+ in/],
    ]);
  });
});
