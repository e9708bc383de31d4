/** `monitor catch` through the real gdb: the sentence is on its console, and the stop is a SIGTRAP where it says. */
import test from 'tape';
import { withAttachedGdb } from './support/gdb-console.js';
import { buildGuests } from './support/gdb-session.js';

buildGuests();

test('catch exception: a divide error and a page fault of a C kernel', async (t) => {
  await withAttachedGdb(['build/faults.elf'], async (gdb) => {
    await gdb.runAll('file build/faults.elf', 'tbreak choose', 'continue');
    t.equal(await gdb.run('monitor catch exception all'), 'Catchpoint 1: exception all\n');
    await gdb.run('set var which = DIVIDE_ERROR');
    const divide = await gdb.run('continue');
    t.match(divide, /cpu0: #DE \(divide error\), raised at 0x[0-9a-f]+ \(long64\)\.\n/);
    t.match(divide, /received signal SIGTRAP/);
    t.match(await gdb.run('info symbol $pc'), /^divide_error_entry in section/, 'at the handler\'s first instruction');
    const raised = /raised at (0x[0-9a-f]+)/.exec(divide)?.[1] ?? '0';
    t.match(await gdb.run(`x/i ${raised}`), /provoke_divide_error\+\d+>:\s+div +%ecx/, 'which instruction it was');
    t.match(await gdb.run('bt'), /provoke_divide_error[^]*kernel_main/);

    await gdb.runAll('tbreak choose', 'continue', 'set var which = PAGE_FAULT');
    const page = await gdb.run('continue');
    const cr2 = (/= (0x[0-9a-f]+)/.exec(await gdb.run('print/x $cr2'))?.[1]) ?? '?';
    t.match(page, new RegExp(`cpu0: #PF \\(page fault\\), raised at 0x[0-9a-f]+ \\(long64\\), error code 0x0 \\(a read by supervisor code, the page is not mapped\\), CR2 ${cr2}\\.\\n`));
    t.match(await gdb.run('info symbol $pc'), /^page_fault_entry in section/);
    t.equal(await gdb.run('monitor info catch'), '1: exception all, 2 stops\n');

    t.equal(await gdb.run('monitor uncatch 1'), 'Catchpoint 1 is gone.\n');
    await gdb.runAll('tbreak choose', 'continue', 'set var which = INVALID_OPCODE', 'break on_fault');
    t.match(await gdb.run('continue'), /Breakpoint \d+, on_fault \(vector=6/, 'the handler runs without a stop before it');
  });
});

test('catch io: the byte that the guest sends to COM1, and its end', async (t) => {
  await withAttachedGdb(['build/hello.img'], async (gdb) => {
    t.equal(await gdb.run('monitor catch io 0x3f8'), 'Catchpoint 1: io 0x3f8\n');
    const first = await gdb.run('continue');
    t.match(first, /cpu0 wrote 0x[0-9a-f]+, 1 byte, to port 0x3f8 \(serial0 \(16550A\)\); the next instruction is at 0x[0-9a-f]+ \(real16\)\.\n/);
    t.match(first, /SIGTRAP/);
    t.equal(await gdb.run('monitor uncatch'), 'No catchpoints.\n');
    t.equal(await gdb.run('monitor info catch'), 'No catchpoints.\n');
  });
});

test('wrong catchpoints are answered in words', async (t) => {
  await withAttachedGdb(['build/hello.img'], async (gdb) => {
    const answers: readonly (readonly [string, RegExp])[] = [
      ['monitor catch', /^Say what to catch: exception/],
      ['monitor catch syscall', /^Say what to catch: exception/],
      ['monitor catch exception #XY', /^There is no exception "#XY"/],
      ['monitor catch exception 32', /^There is no exception "32"/],
      ['monitor catch io', /needs a port/],
      ['monitor catch io 0x10000', /^There is no port 0x10000/],
      ['monitor catch io 9-8', /ends before it begins/],
      ['monitor catch mmio 0x1000', /is memory, where no access leaves the guest; use a watchpoint/],
      ['monitor catch mmio 0xfee00000+0', /is empty/],
      ['monitor catch msr', /needs an index/],
      ['monitor catch hlt 5', /takes no argument/],
      ['monitor uncatch 7', /^There is no catchpoint 7/],
      ['monitor info catch', /^No catchpoints\.$/m],
    ];
    for (const [command, answer] of answers) t.match(await gdb.run(command), answer, command);
  });
});
