/** SIGINT and SIGTERM end the server in order within a second, whatever the guest and the client are doing. */
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import test, { type Test } from 'tape';
import { FLOOD, HALT, packet, SPIN, start, type ServerProcess } from './support/server-process.js';
import { withTemporaryFolder } from '../../temporary-folder.js';
import { TIME_SCALE } from '../../time-scale.js';

const LIMIT_MS = 1000 * TIME_SCALE;

interface Situation {
  readonly code: Uint8Array;
  readonly options?: readonly string[];
  /** Brings client or pipes into the state; what it returns is closed at the end. */
  readonly prepare?: (server: ServerProcess, socketPath: string) => Promise<Socket>;
}

function client(path: string, bytes: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path, () => {
      socket.write(bytes, 'latin1', () => resolve(socket));
    }).once('error', reject);
  });
}

const connected = (bytes: string) => (_server: ServerProcess, path: string): Promise<Socket> => client(path, bytes);

const SITUATIONS: Readonly<Record<string, Situation>> = {
  'spinning': { code: SPIN, options: ['--run'] },
  'halted for good': { code: HALT, options: ['--run'] },
  'stopped': { code: SPIN },
  'flooding its serial port': { code: FLOOD, options: ['--run'] },
  'flooding, and nobody reads its output': { code: FLOOD, options: ['--run'], prepare: async (server, path) => {
    server.child.stdout?.pause();
    return client(path, '');
  } },
  'flooding, and every exit is logged': { code: FLOOD, options: ['--run', '--log', 'exit'] },
  '8 vCPUs that spin': { code: SPIN, options: ['--run', '--cpus', '8', '--irqchip', 'kernel'] },
  'running for a client': { code: SPIN, prepare: connected(packet('c')) },
  'stepping for a client': { code: SPIN, prepare: connected(`${packet('QStartNoAckMode')}+${packet('vCont?')}${packet('vCont;r0,ffff:1')}`) },
  'stopped, with a client in mid-packet': { code: SPIN, prepare: connected('$m0,10') },
  'stopped, with a client that does not read': { code: SPIN, prepare: async (_server, path) => {
    const socket = await client(path, packet('QStartNoAckMode') + '+' + packet('m0,8000').repeat(400));
    return socket.pause();
  } },
};

/** mov dx, 3f8; mov al, 'x'; out dx, al; jmp $ */
const PRINT_AND_SPIN = Uint8Array.from([0xba, 0xf8, 0x03, 0xb0, 0x78, 0xee, 0xeb, 0xfe]);

/** A busy machine may be late now and then, but not each time. */
const TRIES = 3;

async function endBy(t: Test, { code, options = [], prepare }: Situation, signal: 'SIGTERM' | 'SIGINT', status: number): Promise<number> {
  let milliseconds = 0;
  await withTemporaryFolder(async (folder) => {
    const [guest, path, ready] = [join(folder, 'guest.img'), join(folder, 'gdb.sock'), join(folder, 'ready')];
    writeFileSync(guest, code);
    const server = start([...options, '--listen', `unix:${path}`, '--ready-file', ready, '--boot', 'flat', guest]);
    await server.until('target remote');
    const socket = await prepare?.(server, path);
    socket?.on('error', () => undefined);
    await new Promise((resolve) => setTimeout(resolve, 150));
    const begin = performance.now();
    const exited = new Promise((resolve) => server.child.once('exit', resolve));
    server.child.kill(signal);
    await exited;
    milliseconds = performance.now() - begin;
    server.child.stdout?.resume();
    const ended = await server.ended;
    socket?.destroy();
    t.deepEqual([ended.status, ended.signal], [status, null], `${signal}: ${ended.stderr.slice(-300)}`);
    t.deepEqual([existsSync(path), existsSync(ready)], [false, false], 'socket and ready file are gone');
  });
  return milliseconds;
}

for (const [name, situation] of Object.entries(SITUATIONS)) {
  test(`signals: the guest is ${name}`, async (t) => {
    for (const [signal, status] of [['SIGTERM', 143], ['SIGINT', 130]] as const) {
      let quickest = Infinity;
      for (let i = 0; i < TRIES && quickest >= LIMIT_MS; i++) quickest = Math.min(quickest, await endBy(t, situation, signal, status));
      t.ok(quickest < LIMIT_MS, `${quickest.toFixed(0)} ms`);
    }
  });
}

test('signals: SIGUSR2 tells what every CPU does, and nothing is stopped for it', async (t) => {
  await withTemporaryFolder(async (folder) => {
    const [guest, path] = [join(folder, 'guest.img'), join(folder, 'gdb.sock')];
    writeFileSync(guest, SPIN);
    for (const [options, states] of [[['--run', '--cpus', '2', '--irqchip', 'kernel'], /^Running: cpu0 running; cpu1 running$/m], [[], /^Stopped: cpu0 stopped real16 at 0x7c00$/m]] as const) {
      const server = start([...options, '--listen', `unix:${path}`, '--boot', 'flat', guest]);
      await server.until('target remote');
      for (let i = 0; i < 2; i++) server.child.kill('SIGUSR2');
      t.match(await server.until(/^(?:Running|Stopped): .*$/m), states);
      server.child.kill('SIGTERM');
      t.equal((await server.ended).status, 143, 'it goes on until it is ended');
    }
  });
});

test('signals: while the guest runs to where --stop-at is, nobody listens yet, and signals count all the same', async (t) => {
  await withTemporaryFolder(async (folder) => {
    const guest = join(folder, 'guest.img');
    writeFileSync(guest, PRINT_AND_SPIN);
    for (const [options, signal, status] of [[[], 'SIGTERM', 143], [['--cpus', '2', '--irqchip', 'kernel'], 'SIGINT', 130], [['--gdb'], 'SIGINT', 130], [['--once'], 'SIGHUP', 129]] as const) {
      const server = start([...options, ...(options[0] === '--gdb' ? [] : ['--listen', ':0']), '--stop-at', '0x9000', '--boot', 'flat', guest]);
      if (server.child.stdout === null) throw new Error('no pipe');
      await Promise.race([once(server.child.stdout, 'data'), server.ended.then(({ stderr }) => { throw new Error(`It has ended: ${stderr}`); })]);
      server.child.kill('SIGUSR2');
      t.match(await server.until(/^(?:Running|Stopped): .*$/m), /^Running: cpu0 running/m);
      server.child.kill(signal);
      const ended = await server.ended;
      t.deepEqual([ended.status, ended.signal, ended.stdout], [status, null, 'x'], options.join(' '));
      t.equal(ended.stderr.trimEnd().split('\n').length, 1, `nothing but the answer: ${ended.stderr}`);
    }
  });
});
