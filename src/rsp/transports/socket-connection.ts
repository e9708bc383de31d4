/** A `Connection` over one of node's sockets, TCP or Unix. */
import type { Socket } from 'node:net';
import type { Connection } from './connection.js';

/** A client that reads this much slower than the guest talks is cut off, in bytes waiting. */
const MOST_WAITING = 64 * 1024 * 1024;
/** Above this we read no more packets until the client has taken its replies, in bytes waiting. */
const MANY_WAITING = 1024 * 1024;
/** After `end` a client that does not close gets this long. */
const LINGER_MILLISECONDS = 1000;

/** `socket` must have been accepted paused (`pauseOnConnect`). */
export function connectionOverSocket(socket: Socket, peer: string): Connection {
  // A reset connection closes; there is nothing else to do about it.
  socket.on('error', () => undefined);
  return {
    peer,
    start(onData, onClose) {
      socket.on('close', onClose);
      socket.on('drain', () => socket.resume());
      socket.on('data', (chunk: Buffer) => {
        onData(chunk);
        if (socket.writableLength > MANY_WAITING) socket.pause();
      });
      socket.resume();
    },
    write(bytes) {
      if (!socket.writable) return true;
      socket.write(bytes);
      if (socket.writableLength > MOST_WAITING) socket.destroy();
      return socket.writableLength === 0;
    },
    end() {
      if (socket.destroyed || socket.writableEnded) return;
      socket.end();
      socket.resume();
      setTimeout(() => socket.destroy(), LINGER_MILLISECONDS).unref();
    },
  };
}
