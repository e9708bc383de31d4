/** Listening on a Unix socket, open to its owner only. */
import { chmodSync, existsSync, lstatSync, unlinkSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import { dirname } from 'node:path';
import type { Connection, Listener } from './connection.js';
import { closeListener, startListening } from './start-listening.js';
import { connectionOverSocket } from './socket-connection.js';

/** Bytes of `sun_path` without its final zero (unix(7)). */
const LONGEST_PATH = 107;

/**
 * The socket file is made with mode 0600 and removed by `close`. A file left by a server that is dead is replaced;
 * one that answers, or that is no socket, is never touched. Rejects with one sentence when it cannot listen.
 */
export async function listenUnix(path: string, onConnection: (connection: Connection) => void): Promise<Listener> {
  if (Buffer.byteLength(path) > LONGEST_PATH) {
    throw new Error(`Cannot listen on ${path}: a Unix socket's path has at most ${LONGEST_PATH} bytes; choose a shorter one.`);
  }
  await removeStaleSocket(path);
  const server = createServer({ pauseOnConnect: true }, (socket) => onConnection(connectionOverSocket(socket, path)));
  try {
    await bindPrivately(server, path);
  } catch (error) {
    throw new Error(explain(error, path), { cause: error });
  }
  return { address: path, isPublic: false, close: () => closeListener(server) };
}

/** node binds within `listen`, so the mask is in force exactly when the file is made. */
async function bindPrivately(server: Server, path: string): Promise<void> {
  const mask = process.umask(0o177);
  let bound: Promise<void>;
  try {
    bound = startListening(server, { path });
  } finally {
    process.umask(mask);
  }
  await bound;
  chmodSync(path, 0o600);
}

async function removeStaleSocket(path: string): Promise<void> {
  const found = statIfThere(path);
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new Error(`Cannot listen on ${path}: a file that is no socket is there; choose another path or remove it.`);
  }
  if (await hasServer(path)) {
    throw new Error(`Cannot listen on ${path}: another server is listening there; stop it or choose another path.`);
  }
  if (statIfThere(path)?.ino === found.ino) unlinkSync(path);
}

function statIfThere(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** Only a refused connection proves that nobody listens; anything else counts as a server. */
function hasServer(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
}

function explain(error: unknown, path: string): string {
  const { code, message } = error as NodeJS.ErrnoException;
  // libuv reports a missing folder as EACCES too.
  if (!existsSync(dirname(path))) return `Cannot listen on ${path}: its folder does not exist.`;
  if (code === 'EACCES') return `Cannot listen on ${path}: no permission to make a file there.`;
  if (code === 'EADDRINUSE') return `Cannot listen on ${path}: another server took it just now.`;
  return `Cannot listen on ${path}: ${message}.`;
}
