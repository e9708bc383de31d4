/** `--gdb`: server and gdb in one terminal, on a real pty (script(1) gives one): typing, Ctrl-C, the guest's output, the end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'tape';
import { buildGuests, GUESTS_FOLDER, SERVER_MAIN } from './support/gdb-session.js';
import { withTinyGuest } from './support/tiny-guests.js';

const WAIT_MILLISECONDS = 30_000;
buildGuests();

/** A command line in a terminal of its own. */
class Terminal {
  private text = '';
  private taken = 0;
  private readonly child: ChildProcess;
  readonly ended: Promise<number | null>;

  constructor(args: readonly string[], private readonly folder = mkdtempSync(join(tmpdir(), 'terminal-test-'))) {
    // exec: a shell that stayed between script and the server would die of the Ctrl-C that is gdb's.
    const words = ['exec', process.execPath, SERVER_MAIN, ...args].map((word) => `'${word}'`).join(' ');
    this.child = spawn('script', ['-qefc', words, '/dev/null'], {
      cwd: GUESTS_FOLDER, stdio: ['pipe', 'pipe', 'pipe'], detached: true,
      env: { ...process.env, TERM: 'dumb', SHELL: '/bin/sh', HOME: this.folder, TMPDIR: this.folder },
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => { this.text += text.replaceAll('\r', ''); });
    this.ended = new Promise((resolve) => this.child.on('close', (status) => resolve(status)));
  }

  type(keys: string): void {
    this.child.stdin?.write(keys);
  }

  /** Waits for new output that matches, and takes everything up to its end. */
  async see(pattern: RegExp): Promise<string> {
    const deadline = Date.now() + WAIT_MILLISECONDS;
    for (;;) {
      const match = pattern.exec(this.text.slice(this.taken));
      if (match !== null) {
        const seen = this.text.slice(this.taken, this.taken + match.index + match[0].length);
        this.taken += seen.length;
        return seen;
      }
      if (Date.now() > deadline || this.child.exitCode !== null) throw new Error(`${pattern} was not seen:\n${this.text}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Files that the server left in its temporary folder. */
  get leftBehind(): string[] {
    return readdirSync(this.folder).filter((name) => name.startsWith('kvm-gdbserver-'));
  }

  /** Kills what is left of it: gdb, server and script are one session. */
  close(): void {
    if (this.child.exitCode === null && this.child.pid !== undefined) process.kill(this.child.pid, 'SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function withTerminal(args: readonly string[], work: (terminal: Terminal) => Promise<void>): Promise<void> {
  const terminal = new Terminal(args);
  try {
    await work(terminal);
  } finally {
    terminal.close();
  }
}

const QUIET = ['--', '-nx', '-iex', 'set debuginfod enabled off', '-iex', 'set pagination off', '-iex', 'set confirm off'];

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
