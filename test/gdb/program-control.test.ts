/** gdb's commands that move through a program, on C kernels: finish, return, call, jump, until, advance, next, stepi N. */
import test from 'tape';
import { checkAnswers, withAttachedGdb, type GdbConsole } from './support/gdb-console.js';
import { buildGuests } from './support/gdb-session.js';

const KERNEL64 = ['build/kernel64.elf'];
const KERNEL32 = ['build/kernel32.elf'];
buildGuests();

const inKernel64 = (work: (gdb: GdbConsole) => Promise<void>): Promise<void> => withAttachedGdb(KERNEL64, work, KERNEL64[0]);

test('finish and return, 64-bit', async (t) => {
  await inKernel64(async (gdb) => {
    await checkAnswers(t, gdb, [
      ['break tree_sum if node == &leaf_b', /Breakpoint 1/],
      ['continue', /Breakpoint 1, tree_sum \(node=0x\w+ <leaf_b>\)/],
      ['finish', /Run till exit[^]*tree_sum \(node=0x\w+ <branch>\)[^]*Value returned is \$1 = 2/],
      ['up', /#1 .*<root>/],
      ['frame 0', /#0 .*<branch>/],
      ['set var $rax = 50', /^$/],
      ['finish', /Value returned is \$2 = 61/],
      ['delete', /^$/],
      ['tbreak tree_sum', /Temporary breakpoint 2/],
      ['continue', /tree_sum \(node=0x\w+ <leaf_c>\)/],
      ['return 1000', /#0 .*tree_sum \(node=0x\w+ <root>\)/],
      ['finish', /Value returned is \$3 = 1161/],
    ]);
  });
});

test('finish and return, 32-bit', async (t) => {
  await withAttachedGdb(KERNEL32, async (gdb) => {
    await checkAnswers(t, gdb, [
      ['break factorial if n == 2', /Breakpoint 1/],
      ['continue', /factorial \(n=2\)/],
      ['return 10', /#0 .*factorial \(n=3\)/],
      ['finish', /Value returned is \$1 = 30/],
      ['call factorial(4)', /The program being debugged stopped while in a function called from GDB/],
      ['bt', /#0 +factorial \(n=2\)[^]*<function called from gdb>/],
      ['delete', /^$/],
      ['finish', /factorial \(n=3\)[^]*Value returned is \$2 = 2/],
    ]);
  }, KERNEL32[0]);
});

test('call', async (t) => {
  await inKernel64(async (gdb) => {
    await checkAnswers(t, gdb, [
      ['tbreak kernel_main', /Temporary breakpoint/],
      ['continue', /kernel_main \(\)/],
      ['print tree_sum(&branch)', /= 13\n/],
      ['print tree_sum(&root) + tree_sum(&leaf_c)', /= 121\n/],
      ['call copy_vector(&target, &source)', /^$/],
      ['print target', /= \{x = 1\.5, y = -2, z = 0\.25, w = 8\}/],
      ['info symbol $pc', /^kernel_main \+ \d+ in section/],
      ['bt', /^#0 +kernel_main \(\)[^]*#1 .*_start/],
    ]);
  });
});

test('jump, until, advance, set var $pc', async (t) => {
  await inKernel64(async (gdb) => {
    await checkAnswers(t, gdb, [
      ['tbreak kernel_main', /Temporary breakpoint/],
      ['continue', /kernel_main \(\)/],
      ['next', /int sum = tree_sum/],
      ['until', /print\("sum = "\);/],
      ['advance copy_vector', /copy_vector \(to=/],
      ['finish', /kernel_main \(\)/],
      ['advance print_decimal', /print_decimal \(value=1\)/],
      ['up', /kernel_main \(\)/],
      ['until 122', /kernel_main \(\)[^]*122\t/],
      ['tbreak tree_sum', /Temporary breakpoint/],
      ['info line tree_sum', /starts at address/],
      ['jump kernel_main', /tree_sum \(node=0x\w+ <root>\)/],
      ['finish', /Value returned is \$1 = 117/],
      ['tbreak copy_vector', /Temporary breakpoint/],
      ['set var $pc = copy_vector', /^$/],
      ['x/i $pc', /=> 0x\w+ <copy_vector>:\s+push +%rbp/],
    ]);
  });
});

test('next steps over calls and step into them, by range steps', async (t) => {
  await inKernel64(async (gdb) => {
    await gdb.runAll('tbreak kernel_main', 'continue', 'next', 'set debug remote 1');
    const over = await gdb.run('next');
    await gdb.run('set debug remote 0');
    t.match(over, /^\d+\s+print\("sum = "\);$/m, 'next is behind the call');
    const ranges = over.match(/\$vCont;r[0-9a-f]+,[0-9a-f]+:p1\.1/g)?.length ?? 0;
    const resumes = over.match(/\$vCont;[a-z]/g)?.length ?? 0;
    t.ok(ranges >= 2, `${ranges} range steps`);
    t.ok(resumes <= 6, `the whole line is ${resumes} resumes`);
    t.notOk(/\$g#/.test(over), 'the expedited registers spare gdb its g');
    await gdb.runAll('tbreak copy_vector', 'continue');
    t.match(await gdb.run('up'), /#1 .*kernel_main/);
    t.match(await gdb.runAll('step', 'step'), /kernel_main|copy_vector/);
  });
});

test('step goes into a call and out again', async (t) => {
  await inKernel64(async (gdb) => {
    await checkAnswers(t, gdb, [
      ['tbreak kernel_main', /Temporary breakpoint/],
      ['continue', /kernel_main \(\)/],
      ['next', /int sum = tree_sum/],
      ['step', /tree_sum \(node=0x\w+ <root>\)/],
      ['step', /int below/],
      ['step', /tree_sum \(node=0x\w+ <branch>\)/],
      ['bt -1', /_start/],
      ['finish', /Value returned is \$1 = 13/],
    ]);
  });
});

test('stepi N moves N instructions, wherever they lead', async (t) => {
  await withAttachedGdb(['build/modes.img'], async (gdb) => {
    // One by one, then the same number at once on a fresh machine: the same place.
    for (let step = 0; step < 40; step++) await gdb.run('stepi');
    const oneByOne = await gdb.run('info registers rip rcx mode');
    await gdb.run('monitor reset halt');
    await gdb.run('maintenance flush register-cache');
    await gdb.run('stepi 40');
    t.equal(await gdb.run('info registers rip rcx mode'), oneByOne);
    t.match(oneByOne, /PROTECTED32/, 'past the switch to protected mode');
  });
});

test('nexti over a call, and stepi 1000 in a loop', async (t) => {
  await inKernel64(async (gdb) => {
    await gdb.runAll('tbreak kernel_main', 'continue', 'next');
    await gdb.runAll('stepi');
    t.match(await gdb.run('x/i $pc'), /call .*<tree_sum>/);
    await gdb.run('nexti');
    t.match(await gdb.run('print $eax'), /= 117/);
    await gdb.runAll('tbreak print', 'continue');
    t.match(await gdb.run('stepi 1000'), /^0x|^\d+/m, 'through serial port polling and all');
    t.match(await gdb.run('bt'), /kernel_main/);
  });
});
