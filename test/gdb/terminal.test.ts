/** `--gdb`: server and gdb in one terminal, on a real pty (script(1) gives one): typing, Ctrl-C, the guest's output, the end. */
import test from 'tape';
import { buildGuests } from './support/gdb-session.js';
import { QUIET, withTerminal } from './support/terminal.js';
import { withTinyGuest } from './support/tiny-guests.js';

buildGuests();

test('--gdb: attached at the first instruction, with symbols; quit ends everything', async (t) => {
  await withTerminal(['--gdb', 'build/kernel64.elf', ...QUIET], async (terminal) => {
    t.match(await terminal.see(/\(gdb\) /), /_start \(\) at kernel64\/start\.s/);
    terminal.type('break kernel_main\ncontinue\n');
    t.match(await terminal.see(/Breakpoint 1, kernel_main[^]*\(gdb\) /), /load_interrupt_table/);
    terminal.type('kvm mode\n');
    await terminal.see(/long64, cpl 0/);
    terminal.type('quit\n');
    t.equal(await terminal.ended, 0);
    t.deepEqual(terminal.leftBehind, [], 'no socket is left');
  });
});

test('--gdb: Ctrl-C interrupts the guest, not the server', async (t) => {
  await withTinyGuest('spin', async (args) => {
    await withTerminal(['--gdb', ...args, ...QUIET], async (terminal) => {
      await terminal.see(/\(gdb\) /);
      for (let round = 1; round <= 3; round++) {
        terminal.type('continue\n');
        await terminal.see(/Continuing\./);
        await new Promise((resolve) => setTimeout(resolve, 200));
        terminal.type('\x03');
        t.match(await terminal.see(/SIGINT[^]*\(gdb\) /), /0x0*7c0[01]/, `round ${round}`);
      }
      terminal.type('\x03');
      await terminal.see(/\(gdb\) /);
      terminal.type('stepi\n');
      t.match(await terminal.see(/0x0*7c0[01] in/), /7c0/, 'Ctrl-C at the prompt is harmless');
      terminal.type('kill\nquit\n');
      t.equal(await terminal.ended, 0);
    });
  });
});

test('--gdb: the guest\'s serial output is on the terminal; its end leaves gdb at its prompt', async (t) => {
  await withTerminal(['--gdb', 'build/hello.img', ...QUIET], async (terminal) => {
    await terminal.see(/\(gdb\) /);
    terminal.type('continue\n');
    const seen = await terminal.see(/exited normally\]/);
    t.match(seen, /Hello from real mode/);
    terminal.type('info registers rip\n');
    await terminal.see(/no registers now/);
    terminal.type('quit\n');
    t.equal(await terminal.ended, 0);
    t.deepEqual(terminal.leftBehind, []);
  });
});

test('--gdb: the exit status is the guest\'s', async (t) => {
  await withTinyGuest('debugExit', async (args) => {
    await withTerminal(['--gdb', ...args, ...QUIET], async (terminal) => {
      await terminal.see(/\(gdb\) /);
      terminal.type('continue\n');
      await terminal.see(/exited with code 07\]/);
      terminal.type('quit\n');
      t.equal(await terminal.ended, 7);
    });
  });
});

test('--gdb: monitor quit ends the machine, and gdb says so', async (t) => {
  await withTinyGuest('spin', async (args) => {
    await withTerminal(['--gdb', ...args, ...QUIET], async (terminal) => {
      await terminal.see(/\(gdb\) /);
      terminal.type('monitor quit\n');
      await terminal.see(/The machine is gone\./);
      terminal.type('stepi\n');
      await terminal.see(/Remote connection closed|Connection reset|Broken pipe/);
      terminal.type('quit\n');
      t.equal(await terminal.ended, 0);
      t.deepEqual(terminal.leftBehind, [], 'nothing is left');
    });
  });
});
