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

export class StayAwake {
  private until = 0;
  private polling = false;

  /** `yieldCpu`: lets the threads run that wait for this CPU. The client may be one of them, and without it waits for the end of the poll. */
  constructor(private readonly yieldCpu: () => void) {}

  /** To be called whenever a client has sent something. */
  begin(): void {
    if (!isWorthwhile) return;
    this.until = performance.now() + AWAKE_MILLISECONDS;
    if (this.polling) return;
    this.polling = true;
    setImmediate(this.poll);
  }

  private readonly poll = (): void => {
    this.polling = performance.now() < this.until;
    if (!this.polling) return;
    this.yieldCpu();
    setImmediate(this.poll);
  };
}
