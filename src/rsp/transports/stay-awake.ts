/**
 * Keeps the event loop polling for a moment after a packet, because a debugger's next packet follows its last within
 * some ten microseconds, and being woken from a sleep on another CPU costs more than answering it
 * (docs/decisions/0006-stay-awake.md has the figures).
 */
import { availableParallelism } from 'node:os';

/** Longer than a client needs to read a reply and ask again, short enough not to be seen as load. */
const AWAKE_MILLISECONDS = 0.2;
/** On one CPU we would only keep the client from running. */
const isWorthwhile = availableParallelism() > 1;

let awakeUntil = 0;
let polling = false;

function poll(): void {
  if (performance.now() < awakeUntil) setImmediate(poll);
  else polling = false;
}

/** To be called whenever a client has sent something. */
export function stayAwake(): void {
  if (!isWorthwhile) return;
  awakeUntil = performance.now() + AWAKE_MILLISECONDS;
  if (polling) return;
  polling = true;
  setImmediate(poll);
}
