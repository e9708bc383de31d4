/** The server in a terminal of its own, on a real pty (script(1) gives one), typed into and read. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GUESTS_FOLDER } from './gdb-session.js';
import { patience } from '../../time-scale.js';
import { SERVER_MAIN } from '../../server-command.js';

const WAIT_MILLISECONDS = patience(30_000);

export interface TerminalSettings {
  /** Added to the environment. */
  readonly env?: NodeJS.ProcessEnv;
  /** What a person reads of the bytes that were written. */
  readonly read?: (written: string) => string;
}

/** A command line in a terminal of its own. */
export class Terminal {
  private text = '';
  private taken = 0;
  private readonly child: ChildProcess;
  readonly ended: Promise<number | null>;

  constructor(args: readonly string[], private readonly settings: TerminalSettings, private readonly folder = mkdtempSync(join(tmpdir(), 'terminal-test-'))) {
    // exec: a shell that stayed between script and the server would die of the Ctrl-C that is gdb's.
    const words = ['exec', process.execPath, SERVER_MAIN, ...args].map((word) => `'${word}'`).join(' ');
    this.child = spawn('script', ['-qefc', words, '/dev/null'], {
      cwd: GUESTS_FOLDER, stdio: ['pipe', 'pipe', 'pipe'], detached: true,
      env: { ...process.env, TERM: 'dumb', SHELL: '/bin/sh', HOME: this.folder, TMPDIR: this.folder, ...settings.env },
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
      const text = this.settings.read?.(this.text) ?? this.text;
      const match = pattern.exec(text.slice(this.taken));
      if (match !== null) {
        const seen = text.slice(this.taken, this.taken + match.index + match[0].length);
        this.taken += seen.length;
        return seen;
      }
      if (Date.now() > deadline || this.child.exitCode !== null) throw new Error(`${pattern} was not seen:\n${text}`);
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

/** A terminal for the length of `work`. */
export async function withTerminal(args: readonly string[], work: (terminal: Terminal) => Promise<void>, settings: TerminalSettings = {}): Promise<void> {
  const terminal = new Terminal(args, settings);
  try {
    await work(terminal);
  } finally {
    terminal.close();
  }
}

/** For gdb, behind `--`. */
export const QUIET = ['--', '-nx', '-iex', 'set debuginfod enabled off', '-iex', 'set pagination off', '-iex', 'set confirm off'];
