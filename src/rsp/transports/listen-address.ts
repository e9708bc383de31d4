/** Where to listen, as `--listen` names it. */
import type { Connection, Listener } from './connection.js';
import { listenStdio } from './stdio.js';
import { listenTcp } from './listen-tcp.js';
import { listenUnix } from './listen-unix.js';

export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'stdio' };

export const DEFAULT_LISTEN = '127.0.0.1:1234';

/**
 * `[HOST]:PORT`, `PORT`, `tcp:HOST:PORT`, `unix:PATH` or `stdio`. Without a host it is loopback; an IPv6 address
 * stands in brackets. Throws an Error of one sentence.
 */
export function parseListenAddress(text: string): ListenAddress {
  if (text === 'stdio') return { kind: 'stdio' };
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    if (path === '' || path.includes('\0')) throw wrong(text, 'unix: needs the path of a socket');
    return { kind: 'unix', path };
  }
  const hostPort = text.startsWith('tcp:') ? text.slice('tcp:'.length) : text;
  const match = /^(?:(?:\[([0-9a-fA-F:.%a-z]+)\]|([^:[\]/\s]*)):)?(\d{1,6})$/.exec(hostPort);
  if (match === null) throw wrong(text, 'write HOST:PORT, :PORT, unix:PATH or stdio');
  const port = Number(match[3]);
  if (port > 65535) throw wrong(text, 'a port is at most 65535');
  return { kind: 'tcp', host: match[1] ?? (match[2] || '127.0.0.1'), port };
}

function wrong(text: string, why: string): Error {
  return new Error(`Cannot listen on "${text}": ${why}.`);
}

/** Listens there. Rejects with one sentence. */
export async function listen(address: ListenAddress, onConnection: (connection: Connection) => void): Promise<Listener> {
  switch (address.kind) {
    case 'tcp':
      return listenTcp(address.host, address.port, onConnection);
    case 'unix':
      return listenUnix(address.path, onConnection);
    case 'stdio':
      return listenStdio(onConnection);
  }
}
