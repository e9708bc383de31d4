// Runs a command that tells of its progress elsewhere, and ends it when that stops or when its time is up.
import { spawn } from 'node:child_process';

const POLL_MILLISECONDS = 200;
/** What a program may take to end when it is asked to. */
const GRACE_MILLISECONDS = 3000;
const KEPT_OUTPUT = 20_000;

/**
 * @param {string[]} command program and arguments
 * @param {{ seconds: number, silence: number }} limits for all of it, and from one sign of progress to the next, in seconds
 * @param {() => boolean} poll called now and then and once at the end; whether there was progress
 * @returns {Promise<{ output: string, ended: 'by itself' | 'out of time' | 'silent', signal?: string }>} `output`: the end of what it printed;
 *   `signal`: that ended it, be it ours
 */
export function runWatched([program, ...args], { seconds, silence }, poll) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output = (output + text).slice(-KEPT_OUTPUT)));
    const signal = (name) => {
      try {
        process.kill(-child.pid, name);
      } catch {
        // It has already ended.
      }
    };
    let ended = 'by itself';
    const end = (why) => {
      if (ended !== 'by itself') return;
      ended = why;
      // `script`, around Bochs, ends its child only when asked politely.
      signal('SIGTERM');
      setTimeout(() => signal('SIGKILL'), GRACE_MILLISECONDS).unref();
    };
    const interrupted = () => {
      signal('SIGTERM');
      // Another host may run beside this one: its listener comes first.
      setImmediate(() => process.exit(130));
    };
    for (const name of ['SIGINT', 'SIGTERM']) process.once(name, interrupted);
    const begin = performance.now();
    let heard = begin;
    const polling = setInterval(() => {
      const now = performance.now();
      if (poll()) heard = now;
      if (now - begin > seconds * 1000) end('out of time');
      else if (now - heard > silence * 1000) end('silent');
    }, POLL_MILLISECONDS);
    const finish = (text, signal) => {
      clearInterval(polling);
      for (const name of ['SIGINT', 'SIGTERM']) process.removeListener(name, interrupted);
      poll();
      resolve({ output: output + text, ended, ...(signal && { signal }) });
    };
    child.on('error', (error) => finish(error.message));
    child.on('close', (_, signal) => finish('', signal));
  });
}
