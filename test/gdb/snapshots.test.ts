/** `monitor snapshot` from stock gdb: what gdb shows after a load is the machine that was put back. */
import test from 'tape';
import { checkAnswers, withAttachedGdb } from './support/gdb-console.js';
import { GDB_HELPER } from './support/gdb-session.js';

test('save, run on, load, and the same again', async (t) => {
  await withAttachedGdb(['build/smp.elf', '--cpus', '2', '--irqchip', 'kernel'], async (gdb) => {
    await checkAnswers(t, gdb, [
      [`source ${GDB_HELPER}`, /^$/],
      ['break kernel_main', /Breakpoint 1 at/],
      ['continue', /Breakpoint 1, kernel_main/],
      ['monitor snapshot save main', /^Saved "main" in \d\.\d{3} s: /],
      ['break count', /Breakpoint 2 at/],
      ['continue', /hit Breakpoint 2, count/],
      ['print online', /= 1\n/],
      ['set var counter = 77', /^$/],
      ['monitor snapshot save counting', /^Saved "counting" in /],
      ['monitor snapshot load main', /^Loaded "main" in /],
      ['thread 1', /Switching to thread 1[^]*kernel_main \(magic=/],
      ['x/i $pc', /<kernel_main\+/],
      ['print online', /= 0\n/],
      ['info threads', /waiting for SIPI/],
      ['monitor snapshot load counting', /^Loaded "counting" in /],
      ['thread 2', /Switching to thread 2/],
      ['x/i $pc', /<count/],
      ['print counter', /= 77\n/],
      ['bt', /#0 +count \(\)[^]*#1 +0x\w+ in ap_main/],
      ['monitor snapshot list', /^main +\d\d:\d\d:\d\d +0x1\w+ [^\n]* copied\ncounting +\d\d:\d\d:\d\d +0x1\w+ [^\n]* copied\n[\d.]+ \w+ of RAM in all of them\n/],
      ['monitor snapshot load nothing', /^There is no snapshot "nothing"; there are main, counting\.\n/],
      ['delete', /^$/],
      ['continue', /The guest ended: ACPI power-off|exited normally/],
    ]);
  }, 'build/smp.elf');
});
