/** Whatever gdb has loaded: no file, ELF32, ELF64, before or after it connects; and each --description. */
import test from 'tape';
import { checkAnswers, withAttachedGdb, withGdb } from './support/gdb-console.js';
import { buildGuests } from './support/gdb-session.js';
import { withTinyGuest } from './support/tiny-guests.js';

buildGuests();

test('the server names the kernel, so target remote alone has symbols', async (t) => {
  for (const [file, frame] of [['build/kernel32.elf', 'kernel32/start.s'], ['build/kernel64.elf', 'kernel64/start.s']] as const) {
    await withGdb([file], async (gdb, server) => {
      const connected = await gdb.run(`target remote ${server.address}`);
      t.match(connected, new RegExp(`Reading symbols from \\S+/${file}[^]*_start \\(\\) at ${frame}`), file);
      t.match(await gdb.runAll('tbreak kernel_main', 'continue'), /kernel_main \(/, `${file}: and stops by name`);
    });
  }
});

test('kernel32: its ELF32 file before, after, and again', async (t) => {
  await withGdb(['build/kernel32.elf'], async (gdb, server) => {
    await checkAnswers(t, gdb, [
      ['file build/kernel32.elf', /Reading symbols/],
      [`target remote ${server.address}`, /_start \(\) at/],
      ['break factorial if n == 4', /Breakpoint 1/],
      ['continue', /factorial \(n=4\)/],
      ['bt', /#0 +factorial \(n=4\)[^]*#1 .*factorial \(n=5\)[^]*#2 .*kernel_main/],
      ['file build/kernel32.elf', /Reading symbols/],
      ['bt', /#0 +factorial \(n=4\)[^]*#3 .*_start/],
      ['print $esp', /= (\(void \*\) 0x|\d)/],
      ['disconnect', /Ending/],
      [`target remote ${server.address}`, /factorial \(n=4\)/],
      ['stepi', /34|0x/],
    ]);
  });
});

test('a 16-bit guest with files of either class, and none', async (t) => {
  for (const commands of [[], ['file build/kernel32.elf'], ['file build/kernel64.elf'], ['file build/modes.elf']]) {
    await withGdb(['build/modes.img'], async (gdb, server) => {
      const name = commands[0] ?? 'no file';
      await gdb.runAll(...commands, `target remote ${server.address}`);
      t.match(await gdb.run('info registers rip'), /0x7c00 /, name);
      await gdb.runAll('break *0x7c96', 'break *0x7cc9');
      t.match(await gdb.run('continue'), /0x0*7c96|put32/, `${name}: protected mode`);
      t.match(await gdb.run('print/x $eax & 0xff'), /= 0x50\n/, `${name}: a register of it`);
      t.match(await gdb.run('continue'), /0x0*7cc9|put64/, `${name}: long mode`);
      t.match(await gdb.run('print/x $rax & 0xff'), /= 0x4c\n/, `${name}: a register of it`);
      t.match(await gdb.run('x/2xb 0x7c00'), /0xfa\s+0xfc/, `${name}: memory`);
    });
  }
});

test('symbol-file and add-symbol-file while connected', async (t) => {
  await withAttachedGdb(['build/modes.img'], async (gdb) => {
    await checkAnswers(t, gdb, [
      ['symbol-file build/modes.elf', /Reading symbols/],
      ['info symbol $pc', /_start in section \.boot/],
      ['tbreak long_mode', /Temporary breakpoint/],
      ['continue', /long_mode \(\)/],
      ['symbol-file', /No symbol file now/],
      ['add-symbol-file build/modes.elf', /Reading symbols/],
      ['info symbol $pc', /long_mode in section/],
    ]);
  });
});

const DESCRIPTIONS = [
  ['x86-64', 'i386:x86-64', [['print $rax', /= 1\n/], ['print $eax', /= 1\n/], ['info registers eip', /Invalid register `eip'/]]],
  ['i386', 'i386', [['print $eax', /= 1\n/], ['print $rax', /= void/], ['info registers eip', /0x7c01/]]],
  ['i8086', 'i8086', [['print $eax', /= 1\n/], ['print $rax', /= void/], ['info registers eip', /0x7c01/], ['x/i $pc', /jmp +0x7c00/]]],
] as const;

for (const [name, architecture, rows] of DESCRIPTIONS) {
  test(`--description ${name}`, async (t) => {
    await withTinyGuest('spin', async (args) => {
      await withAttachedGdb(['--description', name, ...args], async (gdb) => {
        await checkAnswers(t, gdb, [
          ['show architecture', new RegExp(`currently "${architecture}"`)],
          ['stepi', /0x0*7c01/],
          ...rows,
          ['info registers cr0 mode', /^cr0 +0x10 +\[ ET \]\nmode +0x0 +\[ mode=REAL16 cpl=0 \]/],
          ['set var $eax = 7', /^$/],
          ['break *0x7c00', /Breakpoint 1/],
          ['continue', /Breakpoint 1, 0x0*7c00/],
          ['stepi', /0x0*7c01/],
          ['print $eax', /= 8\n/],
        ]);
      });
    });
  });
}

test('the scripts of the i8086 kind: set architecture before connecting', async (t) => {
  for (const architecture of ['i8086', 'i386', 'i386:x86-64']) {
    await withTinyGuest('spin', async (args) => {
      await withGdb(args, async (gdb, server) => {
        await checkAnswers(t, gdb, [
          [`set architecture ${architecture}`, /set to/],
          [`target remote ${server.address}`, /0x0*7c00/],
          ['stepi', /0x0*7c01/],
          ['print $eax', /= 1\n/],
          ['print $eip', /= 31745|0x7c01/],
          ['break *0x7c00', /Breakpoint 1/],
          ['continue', /Breakpoint 1, 0x0*7c00/],
        ]);
      });
    });
  }
});
