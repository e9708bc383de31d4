/** Emacs' own interface to gdb (gdb-mi), run by Emacs itself with the function that people copy: what its buffers show. */
import test from 'tape';
import { buildGuests } from '../gdb/support/gdb-session.js';
import { lineOf } from './support/cdt.js';
import { emacsIsMissing } from './support/configurations.js';
import { runEmacs, SOURCE_TEXT } from './support/emacs.js';
import { TcpServer } from './support/tcp-server.js';

const SUM = lineOf('kernel64/kernel.c', SOURCE_TEXT);

buildGuests();

test('Emacs, M-x gdb: attach, breakpoint, steps, and what each of its buffers shows', { skip: emacsIsMissing }, async (t) => {
  await TcpServer.with(['build/kernel64.elf'], async (server) => {
    const printed = await runEmacs(`127.0.0.1:${server.port}`);
    const all = (name: string): string[] => printed.filter(([key]) => key === name).map(([, text]) => text);
    t.deepEqual(all('stop').slice(1), [
      `breakpoint-hit kernel_main ${SUM}`, `end-stepping-range tree_sum ${lineOf('kernel64/kernel.c', 'if (!node)')}`, `function-finished kernel_main ${SUM}`,
    ]);
    t.match(all('stop')[0] ?? '', / _start \d+$/, 'held at the first instruction');
    const buffers: readonly (readonly [string, RegExp])[] = [
      ['gdb-breakpoints-buffer', /1 +breakpoint +keep +y +0x\w+ +1 +in kernel_main/],
      ['gdb-stack-buffer', /^0 in kernel_main of \S+\n1 in _start of/],
      ['gdb-locals-buffer', /int +sum/],
      ['gdb-registers-buffer', /^rip +0x10[^]*^mode +0x7\n[^]*^cr0 +0x80000033$/m],
      ['gdb-threads-buffer', /1 Thread 1\.1 stopped in kernel_main/],
      ['gdb-disassembly-buffer', /<kernel_main\+\d+>: +call +0x\w+ <tree_sum>/],
      ['gdb-memory-buffer', /^0x0000000000100\w+:( +0x\w{8}){4}\n/],
      ['console', /Value returned is \$1 = 117[^]*\$2 = 100/],
    ];
    for (const [name, pattern] of buffers) t.match(all(name).join(), pattern, name);
    t.ok(all('sent').some((command) => command.includes('-data-list-changed-registers')), `what it asked of gdb: ${all('sent').join('; ')}`);
  });
});
