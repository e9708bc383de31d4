/** Listening on TCP. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Connection, Listener } from './connection.js';
import { closeListener, startListening } from './start-listening.js';
import { connectionOverSocket } from './socket-connection.js';

/** A dead client must not keep others out for ever. */
const KEEP_ALIVE_MILLISECONDS = 30_000;

/** Port 0 picks a free port. Rejects with one sentence when it cannot listen. */
export async function listenTcp(
  host: string,
  port: number,
  onConnection: (connection: Connection) => void,
): Promise<Listener> {
  const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
    socket.setKeepAlive(true, KEEP_ALIVE_MILLISECONDS);
    onConnection(connectionOverSocket(socket, formatHostPort(socket.remoteAddress ?? '?', socket.remotePort ?? 0)));
  });
  try {
    await startListening(server, { host, port });
  } catch (error) {
    throw new Error(explain(error, host, port), { cause: error });
  }
  const bound = server.address() as AddressInfo;
  return {
    address: formatHostPort(bound.address, bound.port),
    isPublic: !isLoopback(bound.address),
    close: () => closeListener(server),
  };
}

function explain(error: unknown, host: string, port: number): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const where = formatHostPort(host, port);
  switch (code) {
    case 'EADDRINUSE':
      return `Cannot listen on ${where}: the port is in use; stop its owner or choose another (--listen :0 picks a free one).`;
    case 'EACCES':
      return `Cannot listen on ${where}: no permission; choose a port above 1023.`;
    case 'EADDRNOTAVAIL':
      return `Cannot listen on ${where}: this machine does not have that address.`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `Cannot listen on ${where}: the host name is not known.`;
    default:
      return `Cannot listen on ${where}: ${message}.`;
  }
}

function formatHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
}
