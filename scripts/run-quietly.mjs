// Runs a command without showing its output, unless it fails.
import { spawn } from 'node:child_process';
import { inspect } from 'node:util';

/** A step of a script that failed: one sentence, and the end of what the command printed. */
export class StepError extends Error {
  /**
   * @param {string} message one sentence: what failed and what to do
   * @param {string} [output] the command's output
   */
  constructor(message, output = '') {
    super(message);
    this.name = 'StepError';
    this.output = output;
  }
}

/** The last `lines` lines of a text. */
export function tail(text, lines = 60) {
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}

/** Process groups of the commands that run now. */
const groups = new Set();
const SIGNALS = ['SIGINT', 'SIGTERM'];

function groupBegan(group) {
  if (groups.size === 0) for (const signal of SIGNALS) process.on(signal, endAllGroups);
  groups.add(group);
}

function endGroup(group) {
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // It is already gone.
  }
}

function groupEnded(group) {
  groups.delete(group);
  if (groups.size === 0) for (const signal of SIGNALS) process.removeListener(signal, endAllGroups);
}

/** Nothing of what was started outlives this program. */
function endAllGroups(signal) {
  for (const group of groups) endGroup(group);
  process.exit(128 + signalNumber(signal));
}

/**
 * Runs a command in its own process group and collects what it prints.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutSeconds?: number }} [options]
 * @returns {Promise<{ status: number, timedOut: boolean, stdout: string, stderr: string, seconds: number }>}
 *   `status` is 127 when the command cannot be started and 128 + n when signal n ended it.
 */
export function capture(command, args, options = {}) {
  return new Promise((resolve) => {
    const begin = process.hrtime.bigint();
    let stdout = '';
    let stderr = '';
    let timedOut = false;
    // A group of its own, so that a time-out also ends the gdb or the server that a test has started.
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const end = () => {
      if (child.pid !== undefined) endGroup(child.pid);
    };
    if (child.pid !== undefined) groupBegan(child.pid);
    const timer = options.timeoutSeconds === undefined ? undefined : setTimeout(() => {
      timedOut = true;
      end();
    }, options.timeoutSeconds * 1000);
    const finish = (status) => {
      clearTimeout(timer);
      if (child.pid !== undefined) groupEnded(child.pid);
      const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
      resolve({ status, timedOut, stdout, stderr, seconds });
    };
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.on('error', (error) => {
      stderr += `${command}: ${error.message}\n`;
      finish(127);
    });
    // What a file leaves running would disturb the next one, and holds the pipes open: end it with its parent.
    child.on('exit', end);
    child.on('close', (code, signal) => {
      finish(code ?? 128 + (signalNumber(signal) ?? 0));
    });
  });
}

function signalNumber(signal) {
  return { SIGHUP: 1, SIGINT: 2, SIGABRT: 6, SIGBUS: 7, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 }[signal];
}

/**
 * Runs a command that must succeed.
 * @param {string} failure the sentence for the person at the console when it does not
 * @returns {Promise<string>} its standard output
 * @throws {StepError}
 */
export async function runQuietly(failure, command, args, options = {}) {
  const result = await capture(command, args, options);
  if (result.status !== 0) throw new StepError(failure, result.stdout + result.stderr);
  return result.stdout;
}

/** A failed step as it is shown: the end of what the command printed, then the sentence. A fault of ours shows its stack. */
export function describe(error) {
  if (!(error instanceof StepError)) return error?.stack ?? inspect(error);
  return error.output === '' ? error.message : `${tail(error.output)}\n${error.message}`;
}

/** Prints a failed step and ends the process with status 1. */
export function dieOf(error) {
  console.error(describe(error));
  process.exit(1);
}
