/** Debian's cloud kernel by the boot protocol to a shell from an initramfs. HOST_KERNEL in the environment is its bzImage. */
import { checkAnswers } from '../../gdb/support/gdb-console.js';
import { patience } from '../../time-scale.js';
import { program, withProgram } from './running-program.js';

const KERNEL = process.env['HOST_KERNEL'];
/** It is there after two minutes of the emulated host's. */
const KERNEL_PATIENCE_MS = patience(60_000);

program('a Linux kernel to a shell, which computes', ['initramfs.gz'], async (t, [initrd]) => {
  if (KERNEL === undefined) return t.skip('HOST_KERNEL names no kernel');
  const args = ['--irqchip', 'kernel', '--memory', '256M', '--initrd', initrd, '--append', 'console=ttyS0 nokaslr quiet', KERNEL];
  await withProgram(t, args, async ({ gdb, serial, runUntil }) => {
    await checkAnswers(t, gdb, [
      ['kvm e820', /^The guest was told by the zero page/],
      ['hbreak *$pc+6', /Hardware assisted breakpoint 1/],
      ['continue', /Breakpoint 1, /],
      ['delete', /^$/],
    ]);
    await runUntil(() => serial.waitFor(/^~ # /m, KERNEL_PATIENCE_MS));
    await runUntil(async () => {
      serial.type('echo $((6 * 7)) of $(/bin/busybox uname -s)\r');
      t.match(await serial.waitFor(/\n42 of Linux/), /42 of Linux/, 'the shell answers');
    });
    await checkAnswers(t, gdb, [
      ['kvm mode', /^long64, cpl \d, /],
      ['kvm idt', /\n0x0e {2}#PF +interrupt64 DPL=0 0010:ffffffff8[0-9a-f]+\n/],
      ['kvm pagetable', /^4-level paging/],
      ['kvm gdt', /TSS64-busy +base 0x[0-9a-f]+ limit 0x[0-9a-f]+ DPL=0 <- tr\n/],
      ['monitor info cpus', /^\* CPU #0: /],
    ]);
  });
});
