/**
 * The two servers under test as processes: how each is started with the same guest, memory and /dev/kvm, how it is
 * reached, how much memory it holds, and that it is gone afterwards.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { placeServer, type Placement } from './placement.js';
import { RspClient } from './rsp-client.js';

/** Guest RAM of both servers in bytes. */
export const GUEST_MEMORY = 128 << 20;
const START_TIMEOUT_MS = 20_000;
const CONNECT_RETRY_MS = 1;
const STDERR_KEPT = 2_000;

export type ServerName = 'ours' | 'qemu';

export interface ServerCommand {
  readonly name: ServerName;
  /** The program and its arguments for a gdb server on 127.0.0.1:`port`. */
  argv(port: number): string[];
}

/** Our server; `main` is the compiled src/cli/main.js. `nodeOptions` go to node (a profiler, for instance), `options` to the server. */
export function ourServer(main: string, image: string, nodeOptions: readonly string[] = [], options: readonly string[] = []): ServerCommand {
  return {
    name: 'ours',
    argv: (port) => [
      process.execPath, ...nodeOptions, main, image, ...options,
      '--memory', `${GUEST_MEMORY >> 20}M`,
      '--listen', `127.0.0.1:${port}`,
    ],
  };
}

/** The same server on the CPUs that `placement` leaves to it; `cpus` is how many there are. */
export function placedServer(command: ServerCommand, placement: Placement, cpus: number): ServerCommand {
  return { name: command.name, argv: (port) => placeServer(command.argv(port), placement, cpus) };
}

/** The same server with this many virtual processors, and with KVM's interrupt controllers, which QEMU always has: in them a processor halts. */
export function withCpus(command: ServerCommand, cpus: number): ServerCommand {
  const options = command.name === 'ours' ? ['--irqchip', 'kernel', '--cpus'] : ['-smp'];
  return { name: command.name, argv: (port) => [...command.argv(port), ...options, String(cpus)] };
}

/** QEMU's stub on KVM. arch-capabilities is masked: software KVM hosts offer it and then refuse the MSR. */
export function qemuServer(image: string): ServerCommand {
  return {
    name: 'qemu',
    argv: (port) => [
      'qemu-system-x86_64', '-machine', 'pc', '-accel', 'kvm', '-cpu', 'host,-arch-capabilities',
      '-m', `${GUEST_MEMORY >> 20}`,
      '-S', '-gdb', `tcp:127.0.0.1:${port}`,
      '-display', 'none', '-nodefaults',
      '-drive', `format=raw,file=${image},if=ide,snapshot=on`,
    ],
  };
}

const live = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of live) child.kill('SIGKILL');
});

/** A started server and the way to it. */
export class RunningServer {
  private stderr = '';

  private constructor(
    readonly name: ServerName,
    readonly port: number,
    private readonly child: ChildProcess,
  ) {
    live.add(child);
    child.stderr?.on('data', (text: Buffer) => {
      this.stderr = (this.stderr + text.toString()).slice(-STDERR_KEPT);
    });
    child.stdout?.resume();
    child.once('exit', () => live.delete(child));
  }

  /**
   * Starts `command` and connects as soon as it listens.
   * `milliseconds` is the time from spawn to the answer of the first `?`.
   */
  static async start(command: ServerCommand): Promise<{ server: RunningServer; milliseconds: number }> {
    const port = await freePort();
    const [program = '', ...args] = command.argv(port);
    const begin = performance.now();
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let spawnError: Error | undefined;
    child.once('error', (error) => (spawnError = error));
    const server = new RunningServer(command.name, port, child);
    for (;;) {
      try {
        const client = await RspClient.connect(port);
        const stop = await client.ask('?');
        const milliseconds = performance.now() - begin;
        await client.close();
        if (!/^[TS]/.test(stop)) throw new StartError(`${command.name} answered '${stop}' to '?' instead of a stop reply`);
        return { server, milliseconds };
      } catch (error) {
        if (spawnError !== undefined) throw new Error(`${program} could not be started: ${spawnError.message}; is it installed?`);
        if (child.exitCode !== null || child.signalCode !== null) {
          throw new Error(`${command.name} ended before it listened: ${server.stderr.trim() || 'it said nothing'}`);
        }
        if (error instanceof StartError || performance.now() - begin > START_TIMEOUT_MS) {
          await server.stop();
          throw error;
        }
      }
      await new Promise((resolve) => setTimeout(resolve, CONNECT_RETRY_MS));
    }
  }

  /** Runs `work` with a connected client whose handshake is done; the connection is closed in every case. */
  async withClient<T>(work: (client: RspClient, features: Awaited<ReturnType<RspClient['handshake']>>) => Promise<T>): Promise<T> {
    const client = await RspClient.connect(this.port);
    try {
      return await work(client, await client.handshake());
    } catch (error) {
      const said = this.stderr.trim();
      throw new Error(`${this.name}: ${(error as Error).message}${said === '' ? '' : ` (its stderr: ${said})`}`);
    } finally {
      await client.close();
    }
  }

  /** Resident bytes of the process without the guest's RAM, from /proc/PID/smaps. */
  residentBeyondGuest(): number {
    const { pid } = this.child;
    if (pid === undefined) throw new Error(`${this.name} is not running`);
    let total = 0;
    let guest: { size: number; resident: number } | undefined;
    for (const mapping of readMappings(pid)) {
      total += mapping.resident;
      // Below 1 MiB some keep a mapping apart.
      const couldBeGuest = mapping.anonymous && mapping.size >= GUEST_MEMORY - (1 << 20);
      if (couldBeGuest && (guest === undefined || mapping.size < guest.size)) guest = mapping;
    }
    if (guest === undefined) throw new Error(`no mapping of ${GUEST_MEMORY} bytes of guest RAM in /proc/${pid}/smaps`);
    return total - guest.resident;
  }

  /** Ends the process (SIGTERM, then SIGKILL) and waits until it is gone. */
  async stop(): Promise<void> {
    if (!live.has(this.child)) return;
    const gone = new Promise<void>((resolve) => this.child.once('exit', () => resolve()));
    this.child.kill('SIGTERM');
    const force = setTimeout(() => this.child.kill('SIGKILL'), 1_000);
    await gone;
    clearTimeout(force);
  }
}

class StartError extends Error {}

interface Mapping {
  /** Bytes. */
  readonly size: number;
  readonly resident: number;
  /** Readable, writable and without a file. */
  readonly anonymous: boolean;
}

/** The mappings of a process (proc(5), /proc/PID/smaps). */
function readMappings(pid: number): Mapping[] {
  const mappings: Mapping[] = [];
  let header: RegExpMatchArray | null = null;
  for (const line of readFileSync(`/proc/${pid}/smaps`, 'latin1').split('\n')) {
    header = line.match(/^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \d+\s*(.*)$/) ?? header;
    const resident = line.match(/^Rss:\s+(\d+) kB/);
    if (resident === null || header === null) continue;
    const [, start = '', end = '', permissions = '', path = ''] = header;
    mappings.push({
      size: Number.parseInt(end, 16) - Number.parseInt(start, 16),
      resident: Number(resident[1]) * 1024,
      anonymous: permissions.startsWith('rw') && (path === '' || path.startsWith('[anon')),
    });
  }
  return mappings;
}

/** A TCP port of 127.0.0.1 that was free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error('no free TCP port'));
      });
    });
  });
}
