/** `listen` and `close` of a node server as promises. */
import type { ListenOptions, Server } from 'node:net';

/** Resolves when bound; rejects with the system's error. */
export function startListening(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Stops accepting; does not wait for the connections that are there. Idempotent. */
export function closeListener(server: Server): Promise<void> {
  // Without the callback: it would wait for the last connection to close.
  if (server.listening) server.close();
  return Promise.resolve();
}
