/**
 * Starts the real server and the real gdb for a test, and ends both whatever happens.
 *
 * The server listens on a Unix socket in a folder of its own, so tests neither pick ports nor meet each other. Nothing here
 * waits for ever: gdb and the server are killed when their time is up, and what they had printed by then is in the error.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { patience } from '../../time-scale.js';
import { PACKAGE_FOLDER } from '../../project-folders.js';
import { SERVER_MAIN } from '../../server-command.js';

export { PACKAGE_FOLDER };
export const GUESTS_FOLDER = join(PACKAGE_FOLDER, 'examples/guests');
export const GDB_HELPER = join(PACKAGE_FOLDER, 'gdb/kvm_gdbserver.py');

/** A guest may have to run on to where --stop-at is. */
const START_MILLISECONDS = patience(40_000);
const SESSION_MILLISECONDS = patience(60_000);

/** Builds the example guests that are older than their sources; throws with make's output when it fails. */
export function buildGuests(): void {
  execFileSync('make', ['-s', '-C', GUESTS_FOLDER], { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** A child process whose output is kept. */
export interface Output {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit status; null when it was killed. */
  readonly status: number | null;
}

interface Watched {
  readonly process: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  readonly ended: Promise<Output>;
}

function watch(process: ChildProcess): Watched {
  const output = { stdout: '', stderr: '' };
  process.stdout?.setEncoding('utf8').on('data', (text: string) => { output.stdout += text; });
  process.stderr?.setEncoding('utf8').on('data', (text: string) => { output.stderr += text; });
  const ended = new Promise<Output>((resolve, reject) => {
    process.on('error', reject);
    process.on('close', (status) => resolve({ ...output, status }));
  });
  // Told to whoever awaits it, who may come later.
  ended.catch(() => undefined);
  return { process, output, ended };
}

/** Waits for the end of a process for at most `milliseconds`, then kills it and throws with what it had printed. */
async function endOf(watched: Watched, milliseconds: number, name: string): Promise<Output> {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    watched.process.kill('SIGKILL');
  }, milliseconds);
  const output = await watched.ended;
  clearTimeout(timer);
  if (isLate) throw new Error(`${name} had not ended after ${milliseconds} ms.\n${output.stdout}${output.stderr}`);
  return output;
}

export interface Server {
  /** What gdb's `target remote` takes: the path of a Unix socket. */
  readonly address: string;
  readonly process: ChildProcess;
  /** What it has printed so far. The guest's serial port is on stdout. */
  readonly output: { readonly stdout: string; readonly stderr: string };
  /** Waits for its own end (the guest powered off, gdb killed it); kills it and throws after `milliseconds`. */
  ended(milliseconds?: number): Promise<Output>;
  /** Ends it if it still runs, and removes its socket. Safe to call twice. */
  stop(): Promise<Output>;
}

/**
 * Starts `kvm-gdbserver` with `args` (the guest among them) and waits until it listens. Relative paths are relative to
 * examples/guests. Throws with the server's words when it ends before. Its ready file is waited for: the socket is there a moment
 * before it takes connections.
 */
export async function startServer(args: readonly string[]): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-test-'));
  const [address, ready] = [join(folder, 'gdb.sock'), join(folder, 'ready')];
  const watched = watch(spawn(process.execPath, [SERVER_MAIN, '--listen', `unix:${address}`, '--ready-file', ready, ...args], {
    cwd: GUESTS_FOLDER, stdio: ['ignore', 'pipe', 'pipe'],
  }));
  const stop = async (): Promise<Output> => {
    watched.process.kill('SIGKILL');
    const output = await watched.ended;
    rmSync(folder, { recursive: true, force: true });
    return output;
  };
  const deadline = Date.now() + START_MILLISECONDS;
  while (!existsSync(ready)) {
    const hasEnded = watched.process.exitCode !== null || watched.process.signalCode !== null;
    if (hasEnded || Date.now() > deadline) {
      const output = await stop();
      const what = hasEnded ? `ended with status ${output.status}` : `did not listen within ${START_MILLISECONDS} ms`;
      throw new Error(`kvm-gdbserver ${args.join(' ')} ${what}.\n${output.stdout}${output.stderr}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return {
    address,
    process: watched.process,
    output: watched.output,
    ended: (milliseconds = START_MILLISECONDS) => endOf(watched, milliseconds, 'kvm-gdbserver'),
    stop,
  };
}

export interface GdbOptions {
  /** Folder that gdb runs in; examples/guests by default. */
  readonly cwd?: string;
  /** Echo each command before its output, as `+command`. */
  readonly trace?: boolean;
  readonly milliseconds?: number;
}

/**
 * Runs gdb in batch mode over a script of `commands`, one a line, without the user's own start-up files. stdout and
 * stderr come back as one text in the order they were printed. As in every gdb script, the first command that fails
 * ends it. Throws when gdb is not done in time.
 */
export async function runGdb(commands: readonly string[], options: GdbOptions = {}): Promise<{ output: string; status: number | null }> {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-test-'));
  const script = join(folder, 'session.gdb');
  const preamble = ['set width 0', 'set style enabled off', 'set debuginfod enabled off', 'set confirm off'];
  if (options.trace === true) preamble.push('set trace-commands on');
  writeFileSync(script, [...preamble, ...commands, ''].join('\n'));
  try {
    // The shell joins the two streams into one pipe; `exec` leaves gdb as the process that a time-out kills.
    const gdb = spawn('sh', ['-c', 'exec gdb -nx -batch -x "$0" 2>&1', script], {
      cwd: options.cwd ?? GUESTS_FOLDER, stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { stdout, status } = await endOf(watch(gdb), options.milliseconds ?? SESSION_MILLISECONDS, 'gdb');
    return { output: stdout, status };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
