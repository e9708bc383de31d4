/** gdb in this terminal (`--gdb`), attached over a socket that only this user can reach. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gdbArguments, type GdbInvocation } from './gdb-line.js';

/** A path for a unix socket in a new folder of mode 0700. */
export class PrivateSocket {
  readonly path = join(mkdtempSync(join(tmpdir(), 'kvm-gdbserver-')), 'gdb.sock');

  /** Removes socket and folder. Idempotent. */
  remove(): void {
    rmSync(dirname(this.path), { recursive: true, force: true });
  }
}

export interface GdbSession {
  /** gdb's exit status; rejects with one sentence when gdb cannot be started. */
  readonly ended: Promise<number>;
  /** Ends gdb if it still runs and waits for it. */
  end(): Promise<void>;
}

/** Starts gdb with this terminal. `GDB` in the environment names another one than `gdb`. */
export function startGdb(invocation: GdbInvocation): GdbSession {
  const program = process.env['GDB'] ?? 'gdb';
  const child = spawn(program, gdbArguments(invocation), { stdio: 'inherit' });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      reject(new Error(error.code === 'ENOENT'
        ? `There is no ${program} to start; install gdb (apt-get install gdb) or name one in GDB.`
        : `Starting ${program} failed: ${error.message}.`));
    });
    child.once('exit', (code) => resolve(code ?? 1));
  });
  return {
    ended,
    async end() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await ended.catch(() => undefined);
    },
  };
}
