/** What devices do at a time of the guest's clock: while that stands nothing becomes due. */

/** Below this many nanoseconds the event loop is asked at every turn: its timers know milliseconds. */
const SOON = 200_000n;
const MILLISECOND = 1_000_000n;

interface Waiting {
  readonly time: bigint;
  readonly work: () => void;
  cancel: () => void;
}

export class GuestTimers {
  readonly #now: () => bigint;
  readonly #waiting = new Set<Waiting>();
  #held = false;

  /** `now`: nanoseconds. */
  constructor(now: () => bigint) {
    this.#now = now;
  }

  /** Calls `work` once, at that time or soon after, from the event loop; the result calls it off. */
  at(time: bigint, work: () => void): () => void {
    const waiting: Waiting = { time, work, cancel: () => undefined };
    this.#waiting.add(waiting);
    if (!this.#held) this.#wait(waiting);
    return () => {
      waiting.cancel();
      this.#waiting.delete(waiting);
    };
  }

  /** The clock stands. */
  hold(): void {
    this.#held = true;
    for (const { cancel } of this.#waiting) cancel();
  }

  /** The clock goes on. */
  release(): void {
    if (!this.#held) return;
    this.#held = false;
    for (const waiting of this.#waiting) this.#wait(waiting);
  }

  #wait(waiting: Waiting): void {
    const left = waiting.time - this.#now();
    const look = (): void => {
      if (waiting.time - this.#now() > 0n) return this.#wait(waiting);
      this.#waiting.delete(waiting);
      waiting.work();
    };
    if (left <= SOON) {
      // Not unreferenced: the event loop would sleep in front of it.
      const turn = setImmediate(look);
      waiting.cancel = () => clearImmediate(turn);
    } else {
      const timer = setTimeout(look, Math.max(1, Number(left / MILLISECOND))).unref();
      waiting.cancel = () => clearTimeout(timer);
    }
  }
}
