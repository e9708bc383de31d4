/**
 * A real Linux kernel, Debian's for clouds, by the boot protocol, under stock gdb: from each of its entries as far as every
 * host comes (docs/hosts.md). HOST_KERNEL in the environment is its bzImage.
 */
import { readFileSync } from 'node:fs';
import test, { type Test } from 'tape';
import { parseLinuxHeader } from '../../src/vmm/boot/linux-header.js';
import { checkAnswers, withGdb } from '../gdb/support/gdb-console.js';
import { TIME_SCALE } from '../time-scale.js';

const KERNEL = process.env['HOST_KERNEL'];
/** No word of these may be needed to come so far: `nokaslr` is what the kernel then says first. */
const COMMAND_LINE = 'console=ttyS0 earlyprintk=ttyS0 nokaslr';
const FIRST_WORDS = 'KASLR disabled: \'nokaslr\' on cmdline.';
const PATIENCE_MS = 120_000 * TIME_SCALE;
const MEMORY = ['--memory', '96M'];

function withKernel(name: string, body: (t: Test, kernel: string) => Promise<void>): void {
  test(name, async (t) => {
    if (KERNEL === undefined) t.skip(`${name}: HOST_KERNEL names no kernel`);
    else await body(t, KERNEL);
  });
}

withKernel('a Linux kernel held at its 64-bit entry, and its first words', async (t, kernel) => {
  const { preferredAddress, kernelVersion } = parseLinuxHeader(readFileSync(kernel), kernel);
  await withGdb([kernel, ...MEMORY, '--append', COMMAND_LINE], async (gdb, server) => {
    await checkAnswers(t, gdb, [
      [`target remote ${server.address}`, /./],
      ['print/x $pc', new RegExp(`= 0x${(preferredAddress + 0x200).toString(16)}\n`)],
      ['info registers mode cs', /mode=LONG64 cpl=0[^]*cs +0x10 /],
      ['x/s *(int *)($rsi + 0x228)', new RegExp(COMMAND_LINE)],
      ['hbreak *$pc+6', /Hardware assisted breakpoint/],
      ['continue', /Breakpoint 1, /],
      ['stepi', /./],
      ['print/x $ds', /= 0x0\n/],
      ['delete', /^$/],
      ['detach', /detached|Detaching|Ending/],
    ]);
    t.match(server.output.stderr, new RegExp(`Linux ${kernelVersion?.split(' ', 1)[0] ?? '?'}`), 'it is introduced by its version');
    const deadline = Date.now() + PATIENCE_MS;
    while (!server.output.stdout.includes(FIRST_WORDS) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 100));
    t.ok(server.output.stdout.includes(FIRST_WORDS), server.output.stdout.trim());
  });
});

withKernel('a Linux kernel from its 32-bit entry switches to long mode itself', async (t, kernel) => {
  const { preferredAddress } = parseLinuxHeader(readFileSync(kernel), kernel);
  await withGdb([kernel, ...MEMORY, '--mode', 'protected', '--append', COMMAND_LINE], async (gdb, server) => {
    await checkAnswers(t, gdb, [
      [`target remote ${server.address}`, /./],
      ['print/x $pc', new RegExp(`= 0x${preferredAddress.toString(16)}\n`)],
      ['info registers mode cs', /mode=PROTECTED32 cpl=0[^]*cs +0x10 /],
      ['hbreak *$pc+0x200', /Hardware assisted breakpoint/],
      ['continue', /Breakpoint 1, /],
      ['info registers mode', /mode=LONG64 cpl=0/],
      ['x/s *(int *)($rsi + 0x228)', new RegExp(COMMAND_LINE)],
    ]);
  });
});

withKernel('a Linux kernel from its real-mode entry asks the built-in BIOS, then switches to protected and to long mode', async (t, kernel) => {
  const { preferredAddress } = parseLinuxHeader(readFileSync(kernel), kernel);
  await withGdb([kernel, ...MEMORY, '--mode', 'real', '--append', COMMAND_LINE], async (gdb, server) => {
    await checkAnswers(t, gdb, [
      [`target remote ${server.address}`, /./],
      ['print/x $pc', /= 0x10200\n/],
      ['info registers mode cs', /mode=REAL16 cpl=0[^]*cs +0x1020 /],
      [`hbreak *${preferredAddress}`, /Hardware assisted breakpoint/],
      [`hbreak *${preferredAddress + 0x200}`, /Hardware assisted breakpoint/],
      ['continue', /Breakpoint 1, /],
      ['info registers mode cs', /mode=PROTECTED32 cpl=0[^]*cs +0x10 /],
      // e820_entries and the third entry: RAM from 1 MiB, type 1.
      ['print *(unsigned char *)($rsi + 0x1e8)', /= 3 /],
      ['x/5wx $rsi + 0x2d0 + 40', /0x00100000\s+0x00000000\s+0x05f00000\s+0x00000000\s+[^]*0x00000001/],
      ['continue', /Breakpoint 2, /],
      ['info registers mode', /mode=LONG64 cpl=0/],
    ]);
  });
});
