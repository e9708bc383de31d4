/** The server on a TCP port that the system chooses, as editors reach it; and as a command on the path, as they start it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GUESTS_FOLDER } from '../../gdb/support/gdb-session.js';
import { patience } from '../../time-scale.js';
import { SERVER_MAIN } from '../../server-command.js';

const START_MILLISECONDS = patience(10_000);
const RUN_MILLISECONDS = patience(30_000);

export class TcpServer {
  stdout = '';
  stderr = '';
  /** Resolves with its exit status, null when it was killed, once all it printed has been read. */
  readonly ended: Promise<number | null>;

  private constructor(process: ChildProcess) {
    process.stdout?.setEncoding('utf8').on('data', (text: string) => { this.stdout += text; });
    process.stderr?.setEncoding('utf8').on('data', (text: string) => { this.stderr += text; });
    this.ended = new Promise((resolve) => { process.on('close', resolve); });
  }

  /** The port it has said to listen on. */
  get port(): string | undefined {
    return /^Listening on \S*:(\d+)\n/m.exec(this.stderr)?.[1];
  }

  /** A server for the length of `work`, on a port of its own unless `args` say where; relative paths are relative to examples/guests. */
  static async with(args: readonly string[], work: (server: TcpServer) => Promise<void>): Promise<void> {
    const listen = args.includes('--listen') ? [] : ['--listen', '127.0.0.1:0'];
    const child = spawn(process.execPath, [SERVER_MAIN, ...listen, ...args], { cwd: GUESTS_FOLDER, stdio: ['ignore', 'pipe', 'pipe'] });
    const server = new TcpServer(child);
    try {
      const deadline = Date.now() + START_MILLISECONDS;
      while (server.port === undefined) {
        if (child.exitCode !== null || Date.now() > deadline) throw new Error(`The server does not listen: ${server.stderr}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await work(server);
    } finally {
      child.kill('SIGKILL');
      await server.ended;
    }
  }

  /** What a server that does not start says. */
  static async failing(args: readonly string[]): Promise<string> {
    return (await TcpServer.run(process.execPath, [SERVER_MAIN, ...args])).stderr;
  }

  /** Runs a command to its end, at most half a minute. */
  static async run(command: string, args: readonly string[], environment = process.env): Promise<{ stdout: string; stderr: string }> {
    const child = spawn(command, args, { cwd: GUESTS_FOLDER, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), RUN_MILLISECONDS);
    const output = new TcpServer(child);
    await output.ended;
    clearTimeout(timer);
    return output;
  }
}

/** As after `npm link`: `kvm-gdbserver` on the path, also of what this process starts, for the length of `work`. */
export async function withCommandOnPath(work: (environment: NodeJS.ProcessEnv) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-bin-'));
  const before = process.env['PATH'];
  writeFileSync(join(folder, 'kvm-gdbserver'), `#!/bin/sh\nexec '${process.execPath}' '${SERVER_MAIN}' "$@"\n`, { mode: 0o755 });
  process.env['PATH'] = `${folder}:${before ?? ''}`;
  try {
    await work(process.env);
  } finally {
    process.env['PATH'] = before;
    rmSync(folder, { recursive: true, force: true });
  }
}
