/** A folder for one test, and programs that must succeed in it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Calls `work` with a new folder, which is removed afterwards. */
export async function withScratchFolder(work: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-package-'));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly seconds?: number;
}

/** Runs a program to its end. */
export function run(command: string, args: readonly string[], { cwd, env = process.env, seconds = 60 }: RunOptions): Result {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd, env, encoding: 'utf8', timeout: seconds * 1000, killSignal: 'SIGKILL', input: '', maxBuffer: 1 << 26,
  });
  if (error !== undefined) throw new Error(`${command}: ${error.message}\n${stderr}`);
  return { status, stdout, stderr };
}

/** Runs a program that must succeed; its standard output. */
export function runOrThrow(command: string, args: readonly string[], options: RunOptions): string {
  const { status, stdout, stderr } = run(command, args, options);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}
