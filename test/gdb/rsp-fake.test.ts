/** The protocol layer and a fake target in front of the real gdb: what a user would see, without KVM. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'tape';
import type { Test } from 'tape';
import { Server } from '../../src/rsp/server.js';
import type { ServerEnd, ServerOptions } from '../../src/rsp/server.js';
import { listen, parseListenAddress } from '../../src/rsp/transports/listen-address.js';
import { FakeTarget } from '../unit/rsp/fake-target.js';
import type { FakeOptions } from '../unit/rsp/fake-target.js';
import { patience } from '../time-scale.js';

const skip = spawnSync('gdb', ['--version']).status === 0 ? false : 'gdb is not installed';
const GDB_MILLISECONDS = patience(30_000);

interface World {
  readonly target: FakeTarget;
  readonly address: string;
  readonly ends: ServerEnd[];
  readonly refused: string[];
  close(): Promise<void>;
}

async function serve(options: FakeOptions = {}, policies: Partial<ServerOptions> = {}, at = ':0'): Promise<World> {
  const target = new FakeTarget(options);
  target.memory.fill(0x90);
  // Behind some nops the guest spins.
  target.memory.set([0xeb, 0xfe], 0x7d00);
  const ends: ServerEnd[] = [];
  const refused: string[] = [];
  const events = { ended: (end: ServerEnd) => ends.push(end), refused: (peer: string) => refused.push(peer) };
  const server = new Server({ target, events, ...policies });
  const listener = await listen(parseListenAddress(at), (connection) => server.accept(connection));
  const close = async (): Promise<void> => {
    server.close();
    await listener.close();
  };
  return { target, address: listener.address, ends, refused, close };
}

interface Output {
  readonly shown: string;
  /** gdb's standard error: its errors and warnings, and what the target says (`O` packets, `monitor`). */
  readonly errors: string;
}

interface Gdb {
  readonly done: Promise<Output>;
  /** Ctrl-C. */
  interrupt(): void;
  write(line: string): void;
}

function startGdb(commands: readonly string[], mode: 'batch' | 'interactive' = 'batch'): Gdb {
  const options = ['-q', '-nx', ...(mode === 'batch' ? ['-batch'] : []), '-iex', 'set confirm off', '-iex', 'set pagination off'];
  const child = spawn('gdb', [...options, ...commands.flatMap((command) => ['-ex', command])]);
  let shown = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const timer = setTimeout(() => child.kill('SIGKILL'), GDB_MILLISECONDS);
  const done = new Promise<Output>((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ shown: `${shown}\n[gdb ended: ${signal ?? code}]`, errors });
    });
  });
  return { done, interrupt: () => child.kill('SIGINT'), write: (line) => child.stdin.write(`${line}\n`) };
}

/** Checks that the patterns occur in this order, each in its own stream. */
function checkOutput(t: Test, output: Output, shown: readonly RegExp[], errors: readonly RegExp[] = []): void {
  checkOrder(t, output.shown, shown);
  checkOrder(t, output.errors, errors);
}

function checkOrder(t: Test, text: string, patterns: readonly RegExp[]): void {
  let rest = text;
  for (const pattern of patterns) {
    const found = pattern.exec(rest);
    if (found === null) {
      t.fail(`gdb shows ${pattern}`);
      t.comment(text);
      return;
    }
    t.pass(`gdb shows ${pattern}`);
    rest = rest.slice(found.index + found[0].length);
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + patience(10_000);
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('what the test waits for does not come');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

for (const stops of ['at-once', 'later'] as const) {
  test(`gdb attaches, steps, breaks, continues, asks, detaches and attaches again (stops come ${stops})`, { skip }, async (t) => {
    const world = await serve({ stops });
    const first = await startGdb([
      `target remote ${world.address}`,
      'stepi',
      'break *0x7c80',
      'hbreak *0x7c90',
      'continue',
      'x/2xb $pc',
      'continue',
      'info threads',
      'monitor two',
      'print $cs = 0xff',
      'print $rbx = 0x123456789a',
      'set var *(char*)0x500 = 0x41',
      'x/xb 0x500',
      'find /b 0x7c00, +0x200, 0xeb',
      'print $_siginfo',
      'detach',
    ]).done;
    checkOutput(t, first, [
      /0x0+7c00 in \?\?/,
      /0x0+7c01 in \?\?/,
      /Breakpoint 1, 0x0+7c80 in/,
      /0x7c80:\s+0x90\s+0x90/,
      /Breakpoint 2, 0x0+7c90 in/,
      /Thread 1\.1 "cpu0" \(halted\)/,
      /Thread 1\.2 "cpu1" \(waiting for SIPI\)/,
      /= 78187493530/,
      /0x500:\s+0x41/,
      /0x7d00/,
      /1 pattern found/,
      /Inferior 1 .* detached/,
      /gdb ended: 0/,
    ], [/one two/, /Could not write register "cs"; remote failure reply 'E\.cs cannot be 0xff: GP/]);
    t.equal(world.target.planted.size, 0, 'no breakpoint is left');
    await until(() => world.target.running);
    t.pass('the guest runs on after the detach');
    const second = await startGdb([`target remote ${world.address}`, 'print/x $pc', 'kill']).done;
    checkOutput(t, second, [/0x0+7d00 in \?\?/, /= 0x7d00/, /gdb ended: 0/]);
    await until(() => world.ends.length > 0);
    t.deepEqual(world.ends, [{ reason: 'killed' }], 'kill ends the guest and the server');
    await world.close();
    t.equal(world.target.listenerCount, 0, 'nobody listens to the target any more');
  });
}

test('gdb interrupts a spinning guest', { skip }, async (t) => {
  const world = await serve({ stops: 'later' });
  const gdb = startGdb([`target remote ${world.address}`, 'continue', 'print/x $pc', 'detach']);
  await until(() => world.target.running);
  await new Promise((resolve) => setTimeout(resolve, 200));
  gdb.interrupt();
  checkOutput(t, await gdb.done, [/SIGINT/, /0x7d00/, /detached/]);
  await world.close();
});

test('gdb shows why the guest stopped or ended', { skip }, async (t) => {
  const world = await serve({});
  world.target.memory.set([0x0f, 0x0b], 0x7c04);
  const output = await startGdb([
    `target remote ${world.address}`,
    'continue',
    'set var $pc = 0x7c06',
    'set var *(char*)0x7c06 = 0xf4',
    'set var $rax = 3',
    'continue',
    'print $_exitcode',
  ]).done;
  checkOutput(t, output, [
    /received signal SIGILL/,
    /0x0+7c04/,
    /exited with code 03/,
    /= 3/
  ], [/Invalid opcode: the guest cannot go on\./]);
  t.deepEqual(world.ends, [{ reason: 'exited', status: 3 }]);
  await world.close();
});

test('a second gdb is refused in words and the first goes on', { skip }, async (t) => {
  const world = await serve({});
  const first = startGdb([`target remote ${world.address}`], 'interactive');
  await until(() => world.target.calls.length > 0);
  const second = await startGdb([`target remote ${world.address}`]).done;
  checkOutput(t, second, [], [/Another debugger is attached to this guest/, /Remote connection closed|Connection reset/]);
  t.equal(world.refused.length, 1);
  first.write('stepi');
  first.write('detach');
  first.write('quit');
  checkOutput(t, await first.done, [/0x0+7c01/, /detached/]);
  await world.close();
});

test('extended-remote: kill, run, detach, attach', { skip }, async (t) => {
  const world = await serve({});
  const output = await startGdb([
    `target extended-remote ${world.address}`,
    'stepi',
    'kill',
    'set remote exec-file guest',
    'starti',
    'print/x $pc',
    'detach',
    'attach 1',
    'print/x $pc',
    'monitor two',
  ]).done;
  checkOutput(t, output, [
    /0x0+7c01/,
    /killed/,
    /"cpu0" stopped/,
    /= 0x7c00/,
    /detached/,
    /0x7d00/,
    /gdb ended: 0/
  ], [/one two/]);
  t.ok(world.target.calls.includes('reset'));
  t.deepEqual(world.ends, [], 'the server is still there');
  await world.close();
});

test('a gdb that vanishes leaves a stopped guest without breakpoints', { skip }, async (t) => {
  const world = await serve({ stops: 'later' });
  const gdb = startGdb([`target remote ${world.address}`, 'break *0x9000', 'continue', 'disconnect']);
  await until(() => world.target.running);
  t.equal(world.target.planted.size, 1);
  gdb.interrupt();
  await gdb.done;
  await until(() => world.target.planted.size === 0);
  t.notOk(world.target.running);
  await world.close();
});

test('gdb over a Unix socket', { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rsp-'));
  const world = await serve({}, {}, `unix:${join(folder, 'g.sock')}`);
  checkOutput(t, await startGdb([`target remote ${world.address}`, 'stepi', 'detach']).done, [
    /0x0+7c01/,
    /detached/,
  ]);
  await world.close();
  rmSync(folder, { recursive: true });
});

test('gdb over a pipe', { skip }, async (t) => {
  const child = fileURLToPath(new URL('serve-stdio.js', import.meta.url));
  const remote = `target remote | ${process.execPath} ${child}`;
  checkOutput(t, await startGdb([remote, 'stepi', 'x/1000xb 0x7000', 'monitor two', 'detach']).done, [
    /0x0+7c01/,
    /0x73e0:/,
    /detached/,
    /gdb ended: 0/
  ], [/one two/]);
});

test('a target without capabilities still serves gdb', { skip }, async (t) => {
  const world = await serve({ without: ['breakpoints', 'monitor', 'stepOptions', 'physicalMemory'] });
  const output = await startGdb([
    `target remote ${world.address}`,
    'monitor two',
    'hbreak *0x7c10',
    'stepi',
    'delete',
    'stepi',
    'detach',
  ]).done;
  checkOutput(t, output, [/0x0+7c01/, /detached/], [/Target does not support this command/, /hardware breakpoint/i]);
  await world.close();
});
