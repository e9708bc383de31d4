/** gdb's TUI by `--gdb`, on a real pty: the assembly window follows the CPU mode, the register window shows ours. */
import test from 'tape';
import { buildGuests } from './support/gdb-session.js';
import { QUIET, withTerminal } from './support/terminal.js';

buildGuests();

/** What curses wrote, without colours and frames, and moves of the cursor as blanks. */
function words(written: string): string {
  return written.replace(/\x1b\[[0-9;?]*m/g, '').replace(/\x1b(\[[0-9;?]*[A-Za-z]|[()][0B]|[=>78M])/g, ' ').replace(/\x0e[^\x0f]*\x0f/g, ' ').replace(/ +/g, ' ');
}

test('TUI: layout asm and layout regs, in 16- and in 32-bit code', async (t) => {
  await withTerminal(['--gdb', 'build/modes.img', ...QUIET], async (terminal) => {
    await terminal.see(/\(gdb\) /);
    terminal.type('layout asm\n');
    t.match(await terminal.see(/mov %ax,%ss/), /0x7c00[^]*cli[^]*xor %ax,%ax/, '16-bit code as the processor reads it');
    terminal.type('tbreak *0x7c27\ncontinue\n');
    t.match(await terminal.see(/mov \$0x10,%eax/), /7c27/, '32-bit code after the switch');
    terminal.type('layout regs\n');
    await terminal.see(/\(gdb\) layout regs[^]*\(gdb\) /);
    terminal.type('stepi\n');
    const screen = await terminal.see(/rsp 0x7c00/);
    t.match(screen, /rax 0x10 16/, 'the register window has what the step loaded');
    t.match(screen, /7c2c mov %eax,%ds/, 'and the assembly window has followed it');
    terminal.type('tui disable\nkvm mode\n');
    await terminal.see(/protected32, cpl 0/);
    terminal.type('quit\n');
    t.equal(await terminal.ended, 0);
    t.deepEqual(terminal.leftBehind, []);
  }, { env: { TERM: 'xterm', LINES: '40', COLUMNS: '120' }, read: words });
});
