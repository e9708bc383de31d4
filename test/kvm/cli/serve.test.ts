/** The command line in front of the real KVM: what it prints where, how it ends, and what it leaves behind. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'tape';

const MAIN = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));
const PATIENCE_MS = 15_000;

/** mov $text…, out to COM1 byte by byte, then `value` to the debug-exit port: QEMU's status is 2 * value + 1. */
function guestThatExits(text: string, value: number): Uint8Array {
  const print = [...Buffer.from(text)].flatMap((byte) => [0xb0, byte, 0xee]);
  return Uint8Array.from([0xba, 0xf8, 0x03, ...print, 0xba, 0xf4, 0x00, 0xb0, value, 0xee, 0xf4]);
}

/** jmp to itself. */
/** `sti; jmp $`. */
const SPIN = Uint8Array.from([0xfb, 0xeb, 0xfe]);

function withFolder<T>(work: (folder: string) => T): T {
  return work(mkdtempSync(join(tmpdir(), 'kvm-gdbserver-cli-')));
}

interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The server as a process; `until` waits for a text on stderr. */
function start(args: readonly string[]): { child: ChildProcess; ended: Promise<Ended>; until(text: string): Promise<void> } {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('latin1').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  const ended = new Promise<Ended>((resolve) => child.on('close', (status, signal) => {
    clearTimeout(timer);
    resolve({ status, signal, stdout, stderr });
  }));
  const until = async (text: string): Promise<void> => {
    while (!stderr.includes(text)) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`ended without "${text}": ${stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  return { child, ended, until };
}

function packet(payload: string): string {
  const sum = [...Buffer.from(payload, 'latin1')].reduce((total, byte) => total + byte, 0) & 0xff;
  return `$${payload}#${sum.toString(16).padStart(2, '0')}`;
}

test('cli: --run lets the guest go; its output is on stdout and its status is the server\'s', async (t) => {
  await withFolder(async (folder) => {
    const guest = join(folder, 'exit.img');
    writeFileSync(guest, guestThatExits('hello', 3));
    const { status, stdout, stderr } = await start(['--run', '--listen', ':0', '--boot', 'flat', guest]).ended;
    t.equal(stdout, 'hello');
    t.equal(status, 7, 'isa-debug-exit: 2 * 3 + 1');
    t.match(stderr, /is running\. Type in another terminal:\n {2}gdb .*'?target remote 127\.0\.0\.1:\d+/);
    rmSync(folder, { recursive: true });
  });
});

test('cli: with --listen stdio nothing but packets is on stdout', async (t) => {
  await withFolder(async (folder) => {
    const guest = join(folder, 'exit.img');
    writeFileSync(guest, guestThatExits('noise', 0));
    const { child, ended } = start(['--listen', 'stdio', '--boot', 'flat', guest]);
    child.stdin?.write(`${packet('QStartNoAckMode')}+`);
    child.stdin?.write(packet('?'));
    child.stdin?.write(packet('c'));
    const { status, stdout, stderr } = await ended;
    t.equal(status, 1, 'isa-debug-exit: 2 * 0 + 1');
    t.equal(stderr, '');
    t.equal(stdout.replace(/\$[^#]*#[0-9a-f]{2}|\+/g, ''), '', 'packets and acknowledgements');
    t.match(stdout, /\$T05[^#]*thread:1;/, 'the first stop');
    t.match(stdout, /\$W01[^#]*#/, 'the exit');
    rmSync(folder, { recursive: true });
  });
});

test('cli: SIGTERM and SIGINT end a server whose guest runs, and remove its socket', async (t) => {
  for (const [signal, status] of [['SIGTERM', 143], ['SIGINT', 130]] as const) {
    await withFolder(async (folder) => {
      const guest = join(folder, 'spin.img');
      const socket = join(folder, 'gdb.sock');
      writeFileSync(guest, SPIN);
      const server = start(['--run', '--listen', `unix:${socket}`, '--boot', 'flat', guest]);
      await server.until('target remote');
      t.ok(existsSync(socket), 'it listens');
      server.child.kill(signal);
      const ended = await server.ended;
      t.equal(ended.status, status, `${signal}: ${ended.stderr}`);
      t.notOk(existsSync(socket), 'the socket is gone');
      rmSync(folder, { recursive: true });
    });
  }
});

test('cli: a port in use, too much memory and a wrong mixture are one sentence and status 1', async (t) => {
  const busy = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => busy.once('listening', resolve));
  const { port } = busy.address() as AddressInfo;
  await withFolder(async (folder) => {
    const guest = join(folder, 'spin.img');
    writeFileSync(guest, SPIN);
    const wrong: readonly (readonly [readonly string[], RegExp])[] = [
      [['--listen', `127.0.0.1:${port}`], /the port is in use/],
      [['--memory', '900T'], /more than this host has/],
      [['--memory', '4K'], /at least 1 MiB/],
      [['--cpus', '0'], /1 to 64 CPUs, not 0/],
      [['--boot', 'elf'], /ELF/],
      [['--boot', 'mbr', '--load', '0x1000'], /--load, --entry and --mode are for flat images/],
      [['--serial', 'telex'], /"telex" is not a serial line/],
      [['--module', join(folder, 'none')], /There is no file/],
    ];
    for (const [args, sentence] of wrong) {
      const { status, stdout, stderr } = await start([...args, guest]).ended;
      t.equal(status, 1, args.join(' '));
      t.equal(stdout, '');
      t.match(stderr, sentence);
      t.equal(stderr.trimEnd().split('\n').length, 1, 'one line');
    }
    rmSync(folder, { recursive: true });
  });
  busy.close();
});

test('cli: doctor says that KVM works, for people and for machines', (t) => {
  const people = spawnSync(process.execPath, [MAIN, 'doctor'], { encoding: 'utf8', timeout: PATIENCE_MS });
  t.equal(people.status, 0, people.stderr);
  t.match(people.stdout, /^ok {6}\/dev\/kvm opens\n/);
  t.match(people.stdout, /three guest instructions run/);
  t.match(people.stdout, /real +protected +long/);
  const machines = spawnSync(process.execPath, [MAIN, 'doctor', '--json'], { encoding: 'utf8', timeout: PATIENCE_MS });
  t.equal(machines.status, 0);
  const report = JSON.parse(machines.stdout) as { ok: boolean; lines: { step: string; ok: boolean }[]; capabilities: { modes: object } };
  t.equal(report.ok, true);
  t.deepEqual(report.lines.map(({ step }) => step), ['open', 'api-version', 'create-vm', 'create-vcpu', 'run']);
  t.deepEqual(Object.keys(report.capabilities.modes), ['real', 'protected', 'long']);
  t.end();
});
