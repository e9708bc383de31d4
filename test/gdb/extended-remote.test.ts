/** `target extended-remote` as a front end uses it: start, run, kill, load, and the machine put back by monitor. */
import test from 'tape';
import { checkAnswers, withGdb } from './support/gdb-console.js';
import { buildGuests } from './support/gdb-session.js';
import { testGuest } from './support/test-guest.js';

buildGuests();

const { elf: program } = testGuest('program');

test('extended-remote: start, run, kill and start again', async (t) => {
  await withGdb([program], async (gdb, server) => {
    await gdb.run(`file ${program}`);
    await gdb.run(`target extended-remote ${server.address}`);
    await checkAnswers(t, gdb, [
      ['start', /Temporary breakpoint 1, main \(\)/],
      ['break add if what == 2', /Breakpoint 2/],
      ['continue', /Breakpoint 2, add \(what=2\)/],
      ['print total', /= 1\n/],
      ['run', /Breakpoint 2, add \(what=2\)/],
      ['print total', /= 1\n/],
      ['kill', /killed\]/],
      ['start', /main \(\)/],
      ['print total', /= 0\n/],
    ]);
  });
});

test('extended-remote: a program is loaded into a running machine, and monitor reset halt puts the first one back', async (t) => {
  await withGdb(['--memory', '64M', 'build/kernel32.elf'], async (gdb, server) => {
    await gdb.run(`file ${program}`);
    await gdb.run(`target extended-remote ${server.address}`);
    await checkAnswers(t, gdb, [
      ['load', /Loading section \.text[^]*Start address 0x0*10[0-9a-f]{4}/],
      ['compare-sections', /Section \.text[^\n]*matched/],
      ['tbreak main', /Temporary breakpoint 1/],
      ['continue', /main \(\)/],
    ]);
    await gdb.runAll('monitor reset halt', 'maintenance flush register-cache', 'delete');
    await checkAnswers(t, gdb, [
      ['info threads', /\* 1 +Thread 1\.1 "cpu0" \(stopped protected32\)/],
      ['compare-sections .text', /Section \.text[^\n]*MIS-MATCHED/],
      ['file build/kernel32.elf', /Reading symbols/],
      ['compare-sections .text', /Section \.text[^\n]*: matched/],
      ['tbreak kernel_main', /Temporary breakpoint/],
      ['continue', /kernel_main \(/],
    ]);
  });
});
