/** `stepi COUNT` typed in stock gdb: wall time of that one command, without gdb's start and connect. */
import { execFile } from 'node:child_process';
import { LOOP_START, expectLoopSteps, placeGuest } from './loop-guest.js';
import type { RunningServer } from './servers.js';

const GDB_TIMEOUT_MS = 60_000;

/** Milliseconds that gdb needs for `stepi count`; throws unless the guest made exactly that many steps. */
export async function gdbStepiMilliseconds(server: RunningServer, count: number): Promise<number> {
  // Each server stops the guest for a new client and leaves it so when one goes: gdb meets the placed guest.
  await server.withClient((client) => placeGuest(client, LOOP_START));
  const output = await runGdb([
    `target remote 127.0.0.1:${server.port}`,
    'stepi 10',
    'python import time; begin = time.monotonic()',
    `stepi ${count}`,
    'python print("elapsed %.6f" % (time.monotonic() - begin))',
    'disconnect',
  ]);
  const elapsed = output.match(/^elapsed (\d+\.\d+)$/m)?.[1];
  if (elapsed === undefined) throw new Error(`${server.name}: gdb did not get through stepi: ${output.trim().slice(-500)}`);
  await server.withClient((client) => expectLoopSteps(client, count + 10));
  return Number(elapsed) * 1000;
}

/** Runs commands in gdb without any init file; returns what it printed on both streams. */
function runGdb(commands: readonly string[]): Promise<string> {
  const args = ['-nx', '-batch', ...commands.flatMap((command) => ['-ex', command])];
  return new Promise((resolve, reject) => {
    execFile('gdb', args, { timeout: GDB_TIMEOUT_MS, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      if (error !== null && error.code === 'ENOENT') reject(new Error('gdb is not installed: apt-get install gdb'));
      else if (error?.killed === true) reject(new Error(`gdb did not end within ${GDB_TIMEOUT_MS / 1000} seconds: ${stderr.trim()}`));
      else resolve(stdout + stderr);
    });
  });
}
