/** Programs that must succeed. */
import { spawnSync } from 'node:child_process';

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
