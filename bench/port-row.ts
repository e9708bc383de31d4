/** The row about device accesses: a guest that reads a device's port as fast as it is answered. */
import { countsPerSecond } from './counted-run.js';
import { PORT_LOOP_START, placeGuest } from './loop-guest.js';
import type { RunningServer } from './servers.js';

/** Reads of the keyboard controller's status a second, each an exit that the server's own device answers. */
export function portReads(server: RunningServer, duration: number): Promise<number> {
  return server.withClient(async (client) => {
    await placeGuest(client, PORT_LOOP_START);
    return countsPerSecond(client, duration, 'rcx');
  });
}
