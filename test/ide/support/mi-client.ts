/** A front end that speaks gdb's machine interface (gdb manual, "GDB/MI"): numbered commands, their answers, what comes between. */
import { type ChildProcess, spawn } from 'node:child_process';
import { GUESTS_FOLDER } from '../../gdb/support/gdb-session.js';
import { patience } from '../../time-scale.js';

const ANSWER_MILLISECONDS = patience(20_000);

export class MiClient {
  private lines: string[] = [];
  private rest = '';
  private token = 1000;
  private all = '';
  private readonly gdb: ChildProcess;
  private readonly ended: Promise<void>;

  constructor(args: readonly string[] = ['--interpreter=mi'], cwd = GUESTS_FOLDER) {
    this.gdb = spawn('gdb', ['-nx', '-q', '-iex', 'set debuginfod enabled off', ...args], { cwd, stdio: ['pipe', 'pipe', 'ignore'] });
    this.gdb.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.all += text;
      const parts = (this.rest + text).split('\n');
      this.rest = parts.pop() ?? '';
      this.lines.push(...parts);
    });
    this.gdb.stdin?.on('error', () => undefined);
    this.ended = new Promise((resolve) => { this.gdb.on('close', () => resolve()); });
  }

  /** Everything gdb has written. */
  get transcript(): string {
    return this.all;
  }

  /** Sends a command, MI's or gdb's own, and returns its result record, without the number: `^done,...`, `^running`, `^error,msg=...`. */
  async ask(command: string): Promise<string> {
    const token = String(++this.token);
    this.gdb.stdin?.write(`${token}${command}\n`);
    return (await this.line((line) => line.startsWith(`${token}^`), command)).slice(token.length);
  }

  /** The next asynchronous record that begins so, such as `*stopped`; none is given twice. */
  event(start: string): Promise<string> {
    return this.line((line) => line.startsWith(start), start);
  }

  /** True if such a record is there and was not taken. */
  has(start: string): boolean {
    return this.lines.some((line) => line.startsWith(start));
  }

  /** Tears it away, as when an editor crashes. */
  async crash(): Promise<void> {
    this.gdb.kill('SIGKILL');
    await this.ended;
  }

  private async line(wanted: (line: string) => boolean, what: string): Promise<string> {
    const deadline = Date.now() + ANSWER_MILLISECONDS;
    for (;;) {
      const index = this.lines.findIndex(wanted);
      if (index >= 0) return this.lines.splice(index, 1)[0] ?? '';
      if (Date.now() > deadline || this.gdb.exitCode !== null || this.gdb.signalCode !== null) throw new Error(`gdb did not answer ${what}:\n${this.all.slice(-4000)}`);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
  }
}
