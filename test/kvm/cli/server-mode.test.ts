/** What an IDE or a script needs of the server: where it listens, when it is ready, when it ends, and lines it can parse. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import test from 'tape';
import { guestThatExits, packet, SPIN, start, type ServerProcess } from './support/server-process.js';
import { patience } from '../../time-scale.js';
import { withTemporaryFolder } from '../../temporary-folder.js';

const LISTENING = /^Listening on 127\.0\.0\.1:(\d+)$/m;

/** A file of the guest, and the options that start it. */
function guestIn(folder: string, code: Uint8Array): string[] {
  const path = join(folder, 'guest.img');
  writeFileSync(path, code);
  return ['--boot', 'flat', path];
}

async function portOf(server: ServerProcess): Promise<number> {
  return Number(LISTENING.exec(await server.until(LISTENING))?.[1]);
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + patience(10_000);
  while (!condition() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 2));
}

function connect(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, '127.0.0.1', () => resolve(socket)).once('error', reject);
  });
}

test('server mode: the port that --listen :0 has chosen is a line of its own, and takes a client', async (t) => {
  await withTemporaryFolder(async (folder) => {
    const server = start(['--listen', ':0', ...guestIn(folder, SPIN)]);
    const socket = await connect(await portOf(server));
    socket.write(packet('?'));
    const [answer] = await new Promise<[Buffer]>((resolve) => socket.once('data', (bytes: Buffer) => resolve([bytes])));
    t.match(answer.toString('latin1'), /^\+(\$T05|$)/, 'it answers there');
    socket.destroy();
    server.child.kill('SIGTERM');
    const { stdout } = await server.ended;
    t.equal(stdout, '', 'and nothing of it is on stdout');
  });
});

test('server mode: --ready-file is there while gdb may connect, with the address', async (t) => {
  await withTemporaryFolder(async (folder) => {
    const file = join(folder, 'ready');
    writeFileSync(file, 'from an earlier run\n');
    const server = start(['--listen', ':0', '--ready-file', file, ...guestIn(folder, SPIN)]);
    const content = (): string => existsSync(file) ? readFileSync(file, 'utf8') : '';
    await until(() => content().startsWith('127'));
    const address = content();
    t.match(address, /^127\.0\.0\.1:\d+\n$/, 'whole from the first moment');
    (await connect(Number(address.split(':')[1]))).destroy();
    server.child.kill('SIGTERM');
    t.equal((await server.ended).status, 143);
    t.notOk(existsSync(file), 'gone with the server');

    const nowhere = await start(['--listen', ':0', '--ready-file', join(folder, 'no/such/folder'), ...guestIn(folder, SPIN)]).ended;
    t.equal(nowhere.status, 1);
    t.match(nowhere.stderr, /The ready file .* cannot be written: ENOENT[^\n]*\n$/);
  });
});

test('server mode: --once ends with its first connection, whether that leaves, detaches or kills', async (t) => {
  for (const goodbye of ['', packet('D'), packet('k')]) {
    await withTemporaryFolder(async (folder) => {
      const server = start(['--once', '--listen', ':0', ...guestIn(folder, SPIN)]);
      const socket = await connect(await portOf(server));
      socket.write(`${packet('?')}${goodbye}`);
      await new Promise((resolve) => socket.once('data', resolve));
      if (goodbye === '') socket.destroy();
      else socket.resume();
      const { status, signal } = await server.ended;
      t.deepEqual([status, signal], [0, null], goodbye === '' ? 'leaves' : goodbye);
      socket.destroy();
    });
  }
});

test('server mode: --once and a guest that ends: its status is the process\'s', async (t) => {
  await withTemporaryFolder(async (folder) => {
    const server = start(['--once', '--listen', ':0', ...guestIn(folder, guestThatExits('bye', 4))]);
    const socket = await connect(await portOf(server));
    socket.write(packet('c'));
    socket.resume();
    const { status, stdout } = await server.ended;
    t.equal(status, 9, 'isa-debug-exit: 2 * 4 + 1');
    t.equal(stdout, 'bye');
    socket.destroy();
  });
});

test('server mode: a reader of its messages that has gone does not end it', async (t) => {
  await withTemporaryFolder(async (folder) => {
    const server = start(['--log', 'rsp,exit', '--listen', ':0', ...guestIn(folder, guestThatExits('bye', 4))]);
    const port = await portOf(server);
    server.child.stderr?.destroy();
    const socket = await connect(port);
    let received = '';
    socket.setEncoding('latin1').on('data', (text) => { received += String(text); });
    for (const [ask, answer] of [['?', /\$T05/], ['m7c00,1', /\$ba#/]] as const) {
      socket.write(packet(ask));
      await until(() => answer.test(received) || socket.closed);
      t.match(received, answer, 'it serves, and tells nobody');
    }
    socket.write(packet('c'));
    const { status, stdout } = await server.ended;
    t.deepEqual([status, stdout], [9, 'bye']);
    socket.destroy();
  });
});

interface Line {
  readonly time: string;
  readonly event: string;
  readonly [key: string]: unknown;
}

const parsed = (text: string): Line[] => text.trimEnd().split('\n').map((line) => JSON.parse(line) as Line);

test('server mode: --log-format json makes every line on stderr an object', async (t) => {
  await withTemporaryFolder(async (folder) => {
    const server = start(['--log-format', 'json', '--log', 'rsp,exit', '--listen', ':0', ...guestIn(folder, guestThatExits('x', 1))]);
    const port = Number(/"address":"127\.0\.0\.1:(\d+)"/.exec(await server.until('"ready"'))?.[1]);
    const socket = await connect(port);
    socket.write(packet('c'));
    socket.resume();
    const { status, stderr, stdout } = await server.ended;
    t.equal(status, 3);
    t.equal(stdout, 'x');
    const lines = parsed(stderr);
    t.ok(lines.every(({ time }) => new Date(time).toISOString() === time), 'each has its time');
    const named = (event: string): Line | undefined => lines.find((line) => line.event === event);
    t.equal(named('listening')?.['address'], `127.0.0.1:${port}`);
    t.equal(named('ready')?.['state'], 'held');
    t.match(String(named('ready')?.['gdb']), new RegExp(`target remote 127\\.0\\.0\\.1:${port}`));
    t.match(String(named('connected')?.['peer']), /^127\.0\.0\.1:\d+$/);
    t.ok(lines.some(({ event, layer, message }) => event === 'log' && layer === 'rsp' && String(message).includes('c')), 'a packet');
    t.ok(lines.some(({ event, layer }) => event === 'log' && layer === 'exit'), 'an exit');
    t.deepEqual({ event: lines.at(-1)?.event, status: lines.at(-1)?.['status'] }, { event: 'ended', status: 3 }, 'the last line');
    socket.destroy();
  });
});

test('server mode: errors are objects too, also of a wrong command line', async (t) => {
  for (const [args, status, message] of [
    [['/no/such/guest'], 1, /There is no file/],
    [['--bogus', 'a'], 2, /There is no option --bogus/],
    [['--listen', 'nowhere', 'a'], 2, /Cannot listen on/],
  ] as const) {
    const ended = await start(['--log-format=json', ...args]).ended;
    t.equal(ended.status, status);
    const [line, ...more] = parsed(ended.stderr);
    t.deepEqual(more, []);
    t.equal(line?.event, 'error');
    t.match(String(line?.['message']), message);
  }
});
