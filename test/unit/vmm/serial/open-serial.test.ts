import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'tape';
import type { SocketBackend } from '../../../../src/vmm/serial/socket-backend.js';
import { openSerial } from '../../../../src/vmm/serial/open-serial.js';

const QUIET = { log: (): void => undefined };
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

test('wrong specifications are one sentence', async (t) => {
  for (const [spec, message] of [
    ['telnet:1', /"telnet:1" is not a serial line; write stdio, file:PATH/],
    ['file:', /"file:" names no path/],
    ['unix', /"unix" names no path/],
    ['tcp:', /names no TCP port/],
    ['tcp:localhost:99999', /names no TCP port/],
    ['file:/no/such/folder/x', /cannot be written to \/no\/such\/folder\/x/],
    ['pty', /cannot make pseudo-terminals/],
  ] as const) {
    const error = await openSerial(spec, QUIET).then(() => undefined, (reason: Error) => reason);
    t.match(error?.message ?? 'it was accepted', message, spec);
  }
});

test('file: output is in the file when write returns', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-'));
  const path = join(folder, 'serial.txt');
  const backend = await openSerial(`file:${path}`, QUIET);
  backend.write(text('hello '));
  backend.write(text('serial'));
  t.equal(readFileSync(path, 'utf8'), 'hello serial');
  backend.close();
  backend.close();
  rmSync(folder, { recursive: true });
});

test('tcp: what was written before a client comes waits for it; input arrives; a second client is refused', async (t) => {
  const backend = await openSerial('tcp:127.0.0.1:0', QUIET) as SocketBackend;
  backend.write(text('boot\n'));
  const input: number[] = [];
  backend.onInput((bytes) => {
    // A guest that takes one byte at a time.
    if (bytes.length === 0) return 0;
    input.push(bytes[0]);
    return 1;
  });
  const socket = connect(backend.port!, '127.0.0.1');
  const first = await new Promise<string>((resolve) => socket.once('data', (bytes) => resolve(bytes.toString())));
  t.equal(first, 'boot\n');

  const second = connect(backend.port!, '127.0.0.1');
  t.match(await new Promise<string>((resolve) => second.once('data', (bytes) => resolve(bytes.toString()))), /taken by another client/);
  socket.write('abc');
  for (let i = 0; i < 200 && input.length < 3; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  t.deepEqual(input, [...text('abc')], 'nothing is lost to a slow guest');
  second.destroy();
  socket.destroy();
  backend.close();
});

test('tcp: a busy port is one sentence', async (t) => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const error = await openSerial(`tcp:${port}`, QUIET).then(() => undefined, (reason: Error) => reason);
  t.match(error?.message ?? 'it was accepted', /the address is in use; choose another/);
  other.close();
});

test('unix: listens on a path', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-'));
  const path = join(folder, 'line');
  const backend = await openSerial(`unix:${path}`, QUIET);
  const socket = connect(path);
  await new Promise((resolve) => socket.once('connect', resolve));
  backend.write(text('x'));
  t.equal(await new Promise<string>((resolve) => socket.once('data', (bytes) => resolve(bytes.toString()))), 'x');
  socket.destroy();
  backend.close();
  rmSync(folder, { recursive: true });
});
