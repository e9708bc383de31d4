/** Addresses and real sockets. */
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { PassThrough } from 'node:stream';
import test from 'tape';
import type { Connection } from '../../../src/rsp/transports/connection.js';
import { withoutRepeatedPacket } from '../../../src/rsp/transports/repeated-packet.js';
import { parseListenAddress } from '../../../src/rsp/transports/listen-address.js';
import { listenTcp } from '../../../src/rsp/transports/listen-tcp.js';
import { listenUnix } from '../../../src/rsp/transports/listen-unix.js';
import { listenStdio } from '../../../src/rsp/transports/stdio.js';

const ADDRESSES: readonly [string, unknown][] = [
  ['1234', { kind: 'tcp', host: '127.0.0.1', port: 1234 }],
  [':0', { kind: 'tcp', host: '127.0.0.1', port: 0 }],
  ['localhost:9', { kind: 'tcp', host: 'localhost', port: 9 }],
  ['0.0.0.0:65535', { kind: 'tcp', host: '0.0.0.0', port: 65535 }],
  ['tcp::1234', { kind: 'tcp', host: '127.0.0.1', port: 1234 }],
  ['tcp:h:1', { kind: 'tcp', host: 'h', port: 1 }],
  ['[::1]:1234', { kind: 'tcp', host: '::1', port: 1234 }],
  ['unix:/tmp/a:b', { kind: 'unix', path: '/tmp/a:b' }],
  ['stdio', { kind: 'stdio' }],
];

test('listen addresses', (t) => {
  for (const [text, expected] of ADDRESSES) t.deepEqual(parseListenAddress(text), expected, text);
  for (const text of ['', 'host', 'host:', ':65536', '::1:1234', ':-1', 'unix:', 'tcp:', 'a b:1', ':12x', '[::1]1', 'unix:a\0b']) {
    t.throws(() => parseListenAddress(text), /^Error: Cannot listen on ".*": .+\.$/s, JSON.stringify(text));
  }
  t.end();
});

/** Echoes in capitals, so that a reply is not mistaken for what was sent. */
function shout(connection: Connection): void {
  connection.start(
    (chunk) => connection.write(Buffer.from(chunk.toString().toUpperCase())),
    () => undefined,
  );
}

function ask(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  return new Promise((resolve, reject) => {
    socket.once('data', (chunk: Buffer) => resolve(chunk.toString()));
    socket.once('error', reject);
  });
}

async function failure(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return 'it did not fail';
  } catch (error) {
    return (error as Error).message;
  }
}

test('tcp: picks a port, serves, says why it cannot', async (t) => {
  const closed: string[] = [];
  const listener = await listenTcp('127.0.0.1', 0, (connection) => {
    shout(connection);
    closed.push(connection.peer);
  });
  t.match(listener.address, /^127\.0\.0\.1:\d+$/);
  t.notOk(listener.isPublic);
  const port = Number(listener.address.split(':')[1]);
  const socket = connect(port, '127.0.0.1');
  t.equal(await ask(socket, 'hello'), 'HELLO');
  t.match(closed[0], /^127\.0\.0\.1:\d+$/);
  t.match(await failure(listenTcp('127.0.0.1', port, shout)), /^Cannot listen on 127.*: the port is in use; .*\.$/);
  t.match(await failure(listenTcp('192.0.2.1', 0, shout)), /does not have that address\.$/);
  await listener.close();
  await listener.close();
  t.equal(await ask(socket, 'still'), 'STILL', 'a connection outlives its listener');
  socket.destroy();
  const everywhere = await listenTcp('0.0.0.0', 0, shout);
  t.ok(everywhere.isPublic, 'all interfaces are public');
  await everywhere.close();
});

test('tcp: end sends what is left, a slow client holds up its own packets only', async (t) => {
  const large = Buffer.alloc(8 * 1024 * 1024, 0x61);
  let taken: boolean | undefined;
  let closes = 0;
  const listener = await listenTcp('127.0.0.1', 0, (connection) => {
    connection.start(
      () => {
        taken = connection.write(large);
        connection.end();
        connection.end();
      },
      () => closes++,
    );
  });
  const socket = connect(Number(listener.address.split(':')[1]), '127.0.0.1');
  socket.write('x');
  await new Promise((resolve) => setTimeout(resolve, 50));
  let length = 0;
  socket.on('data', (chunk: Buffer) => (length += chunk.length));
  await new Promise((resolve) => socket.once('end', resolve));
  t.equal(length, large.length);
  t.equal(taken, false, 'the buffer must not be reused while it waits');
  socket.end();
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.equal(closes, 1);
  await listener.close();
});

test('unix: private, cleaned up, replaces only what is dead', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rsp-'));
  const path = join(folder, 'g.sock');
  const mask = process.umask();
  const listener = await listenUnix(path, shout);
  t.equal(process.umask(), mask, 'the mask is as it was');
  t.equal(statSync(path).mode & 0o777, 0o600);
  const socket = connect(path);
  t.equal(await ask(socket, 'hello'), 'HELLO');
  socket.destroy();
  t.match(await failure(listenUnix(path, shout)), /another server is listening there/);
  t.ok(existsSync(path), 'the other server keeps its socket');
  await listener.close();
  t.notOk(existsSync(path), 'removed by close');

  const killed = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', killed]);
  t.ok(existsSync(path), 'a dead server left its socket');
  const next = await listenUnix(path, shout);
  t.pass('and it is replaced');
  await next.close();

  writeFileSync(path, 'precious');
  t.match(await failure(listenUnix(path, shout)), /a file that is no socket is there/);
  t.ok(existsSync(path), 'a file is never removed');
  t.match(await failure(listenUnix(join(folder, 'no', 'g.sock'), shout)), /its folder does not exist/);
  t.match(await failure(listenUnix(`/tmp/${'x'.repeat(120)}`, shout)), /at most 107 bytes/);
  rmSync(folder, { recursive: true });
});

test('unix: a server of another kind is left alone', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rsp-'));
  const path = join(folder, 'other.sock');
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(path, resolve));
  t.match(await failure(listenUnix(path, shout)), /another server is listening there/);
  t.ok(other.listening && existsSync(path));
  await new Promise((resolve) => other.close(resolve));
  rmSync(folder, { recursive: true });
});

test('stdio: one client on two streams', async (t) => {
  const input = new PassThrough();
  const output = new PassThrough();
  let closes = 0;
  let connection: Connection | undefined;
  const listener = listenStdio((accepted) => (connection = accepted), input, output);
  t.equal(listener.address, 'stdio');
  connection!.start(
    (chunk) => connection!.write(Buffer.from(chunk.toString().toUpperCase())),
    () => closes++,
  );
  const answer = new Promise((resolve) => output.once('data', (chunk: Buffer) => resolve(chunk.toString())));
  input.write('hello');
  t.equal(await answer, 'HELLO');
  input.end();
  await new Promise((resolve) => setTimeout(resolve, 10));
  connection!.end();
  t.equal(closes, 1);
  t.ok(connection!.write(Buffer.from('late')), 'a late write is dropped');
});

test('stdio: what gdb asked again before the server read is dropped', (t) => {
  const hello = '$qSupported:xmlRegisters=i386#6a';
  for (const [bytes, left] of [
    [`+${hello}${hello}${hello}`, `+${hello}`],
    [`+${hello}+${hello}$QStartNoAckMode#b0`, `+${hello}$QStartNoAckMode#b0`],
    [`+${hello}`, `+${hello}`],
    [`${hello}$?#3f`, `${hello}$?#3f`],
    [`${hello}${hello.slice(0, 9)}`, `${hello}${hello.slice(0, 9)}`],
    ['+', '+'], ['', ''], ['$g', '$g'], ['$g#', '$g#'], ['#$g', '#$g'],
  ]) {
    t.equal(withoutRepeatedPacket(Buffer.from(bytes)).toString(), left, bytes);
  }
  t.end();
});

test('stdio: only the first bytes are looked at', async (t) => {
  const input = new PassThrough();
  const output = new PassThrough();
  listenStdio(shout, input, output);
  input.write('$g#67$g#67');
  await new Promise((resolve) => setImmediate(resolve));
  input.write('$g#67$g#67');
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.equal(String(output.read()), '$G#67$G#67$G#67');
  input.destroy();
});
