/**
 * A gdb that a test types into, one command at a time: unlike a script it goes on after an error, and it can be
 * interrupted while the guest runs. Every wait has an end: a gdb that does not answer is killed and what it had printed
 * is in the error.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Test } from 'tape';
import { GUESTS_FOLDER, startServer, type Server } from './gdb-session.js';
import { patience } from '../../time-scale.js';

const ANSWER_MILLISECONDS = patience(30_000);
const SETTINGS = ['width 0', 'height 0', 'style enabled off', 'debuginfod enabled off', 'confirm off', 'startup-with-shell off'];

export class GdbConsole {
  private text = '';
  private taken = 0;
  private seen = 0;
  private count = 0;
  private readonly gdb: ChildProcess;
  private readonly ended: Promise<void>;

  constructor(cwd = GUESTS_FOLDER) {
    // The shell joins stdout and stderr; `exec` leaves gdb as the process that signals reach.
    this.gdb = spawn('sh', ['-c', 'exec gdb -nx -q 2>&1'], { cwd, stdio: ['pipe', 'pipe', 'ignore'] });
    this.gdb.stdout?.setEncoding('utf8').on('data', (text: string) => { this.text += text; });
    this.gdb.stdin?.on('error', () => undefined);
    this.ended = new Promise((resolve, reject) => {
      this.gdb.on('error', reject);
      this.gdb.on('close', () => resolve());
    });
    this.ended.catch(() => undefined);
    this.gdb.stdin?.write(SETTINGS.map((setting) => `set ${setting}\n`).join(''));
  }

  /** Everything gdb has printed. */
  get transcript(): string {
    return this.text;
  }

  /** Types a command and returns what gdb prints until it is done with it, without prompts. */
  async run(command: string): Promise<string> {
    this.begin(command);
    return this.answer();
  }

  /** Runs commands in order and returns the text of all. */
  async runAll(...commands: string[]): Promise<string> {
    let all = '';
    for (const command of commands) all += await this.run(command);
    return all;
  }

  /** Types a command and returns at once; `answer` gives what it prints. */
  begin(command: string): void {
    this.count++;
    this.gdb.stdin?.write(`${command}\necho \\n<done ${this.count}>\\n\n`);
  }

  /** What gdb printed since the last answer, once it is done with the last command. */
  async answer(milliseconds = ANSWER_MILLISECONDS): Promise<string> {
    const mark = `\n<done ${this.count}>\n`;
    await this.until(() => this.text.includes(mark, this.taken), milliseconds, mark.trim());
    const end = this.text.indexOf(mark, this.taken);
    const answer = this.text.slice(this.taken, end);
    this.taken = end + mark.length;
    return answer.replaceAll('(gdb) ', '');
  }

  /** Non-stop: what gdb prints by itself. The next that `pattern` matches, behind what the last call gave. */
  async event(pattern: RegExp, milliseconds = ANSWER_MILLISECONDS): Promise<string> {
    let match: RegExpExecArray | null = null;
    await this.until(() => (match = pattern.exec(this.text.slice(this.seen))) !== null, milliseconds, String(pattern));
    const [text, index] = match === null ? ['', 0] : [match[0], (match as RegExpExecArray).index];
    this.seen += index + text.length;
    return text;
  }

  /** Ctrl-C. */
  interrupt(): void {
    this.gdb.kill('SIGINT');
  }

  /** As when its terminal is torn away: no detach, no last packet. */
  async crash(): Promise<void> {
    this.gdb.kill('SIGKILL');
    await this.ended;
  }

  /** Ends it and waits for its end. Safe to call twice. */
  async close(): Promise<void> {
    this.gdb.stdin?.end();
    const timer = setTimeout(() => this.gdb.kill('SIGKILL'), patience(5000));
    await this.ended;
    clearTimeout(timer);
  }

  private async until(condition: () => boolean, milliseconds: number, what: string): Promise<void> {
    const deadline = Date.now() + milliseconds;
    while (!condition()) {
      const isOver = this.gdb.exitCode !== null || this.gdb.signalCode !== null;
      if (isOver || Date.now() > deadline) {
        this.gdb.kill('SIGKILL');
        throw new Error(`gdb ${isOver ? 'ended' : `said nothing for ${milliseconds} ms`} before ${what}:\n${this.text}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** A server and a gdb for the length of `work`; both are gone afterwards, whatever happened. gdb is not yet connected. */
export async function withGdb(args: readonly string[], work: (gdb: GdbConsole, server: Server) => Promise<void>): Promise<void> {
  const server = await startServer(args);
  const gdb = new GdbConsole();
  try {
    await work(gdb, server);
  } catch (error) {
    throw await withCpuStates(error, server);
  } finally {
    await gdb.crash();
    await server.stop();
  }
}

/** What the server says that every CPU is doing; empty if it does not answer, undefined if it has ended. */
async function cpuStates({ process, output }: Server): Promise<string | undefined> {
  const before = output.stderr.length;
  if (process.exitCode !== null || !process.kill('SIGUSR2')) return undefined;
  const answer = (): string => output.stderr.slice(before);
  for (let i = 0; i < 100 && !answer().endsWith('\n'); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  return answer();
}

/** The error of a session that went wrong, with what every CPU was doing then. */
async function withCpuStates(error: unknown, server: Server): Promise<unknown> {
  if (!(error instanceof Error)) return error;
  const states = await cpuStates(server);
  if (states !== undefined) error.message += `\nThe server: ${states || 'it does not answer SIGUSR2.'}`;
  return error;
}

/** Waits until the server has let the guest go: before, a Ctrl-C in gdb would be the end of gdb's command, and the guest goes all the same. */
export async function untilRunning(server: Server): Promise<void> {
  for (const end = Date.now() + ANSWER_MILLISECONDS; Date.now() < end;) {
    const states = await cpuStates(server);
    if (states === undefined) break;
    if (/^Running:/m.test(states)) return;
  }
  throw new Error('The guest does not run.');
}

/** As `withGdb`, with gdb connected (`file` read before, if given). */
export async function withAttachedGdb(
  args: readonly string[], work: (gdb: GdbConsole, server: Server) => Promise<void>, file?: string,
): Promise<void> {
  await withGdb(args, async (gdb, server) => {
    if (file !== undefined) await gdb.run(`file ${file}`);
    await gdb.run(`target remote ${server.address}`);
    await work(gdb, server);
  });
}

/** Checks each command's output against its pattern. */
export async function checkAnswers(t: Test, gdb: GdbConsole, rows: readonly (readonly [string, RegExp])[]): Promise<void> {
  for (const [command, pattern] of rows) t.match(await gdb.run(command), pattern, command);
}
