/**
 * Stops in non-stop mode: `%Stop:` tells the client that there is one, and each `vStopped` takes one and asks for the next, until
 * `OK` (gdb manual, "Notification Packets"). A thread whose stop the client has not taken still runs, as far as the client knows.
 */
import type { StopEvent, ThreadId } from '../target.js';

/** A client that does not take the end of the guest is not waited for longer. */
const PATIENCE_MILLISECONDS = 1000;
/** A client that has been quiet for so long has got to know the threads. */
const QUIET_MILLISECONDS = 50;
/** What a client asks while it gets to know them, but for the last of it (qSymbol). */
const GREETING = /^(?:\?|vStopped|[HTmxgp]|q(?!Symbol|Rcmd))/;

export class StopNotifications {
  /** The first has been sent. */
  private stops: readonly StopEvent[] = [];
  /** Threads that stood when the client came, and that it has not been told of. */
  private rest: readonly StopEvent[] = [];
  private quiet: NodeJS.Timeout | undefined;
  private patience: NodeJS.Timeout | undefined;
  private whenTaken: (() => void) | undefined;

  /** `format` makes the stop reply, at the time when it is sent; `notify` sends a notification. */
  constructor(private readonly format: (stop: StopEvent) => string, private readonly notify: (payload: string) => void) {}

  add(stop: StopEvent): void {
    this.stops = [...this.stops, stop];
    if (this.stops.length === 1) this.notify(`Stop:${this.format(stop)}`);
  }

  /** The reply to `vStopped`: the client has taken one. */
  next(): string {
    this.stops = this.stops.slice(1);
    const [stop] = this.stops;
    if (stop !== undefined) return this.format(stop);
    this.whenTaken?.();
    return 'OK';
  }

  /**
   * The reply to `?`, that the first of these threads stands; whatever waited is forgotten. The manual would have `vStopped` take
   * the others at once, but gdb (13 and 16 at least) fails an assertion of its own at the second: they are notified once it
   * has got to know the threads.
   */
  restart(stops: readonly StopEvent[], format: (stop: StopEvent) => string): string {
    this.clear();
    if (stops.length === 0) return 'OK';
    this.stops = stops.slice(0, 1);
    this.rest = stops.slice(1).map(({ thread }) => ({ thread, reason: { kind: 'requested' } }));
    return format(stops[0]);
  }

  /** A packet has been answered. */
  answered(packet: string): void {
    if (this.rest.length === 0) return;
    clearTimeout(this.quiet);
    if (GREETING.test(packet)) this.quiet = setTimeout(() => this.tellRest(), QUIET_MILLISECONDS);
    else this.tellRest();
  }

  /** The client has not taken this thread's stop yet. */
  isUntold(thread: ThreadId): boolean {
    return [...this.stops, ...this.rest].some((stop) => stop.thread === thread);
  }

  /** What waits is of a life, a mode or a client that is over. */
  clear(): void {
    clearTimeout(this.quiet);
    this.stops = this.rest = [];
  }

  /** The client is gone: nobody waits for it. */
  close(): void {
    this.clear();
    clearTimeout(this.patience);
    this.whenTaken = undefined;
  }

  /** Calls `then` when the client has taken everything, or has not for a second. */
  whenTold(then: () => void): void {
    if (this.stops.length === 0) return then();
    const once = (): void => {
      clearTimeout(this.patience);
      this.whenTaken = undefined;
      then();
    };
    this.patience = setTimeout(once, PATIENCE_MILLISECONDS);
    this.whenTaken = once;
  }

  private tellRest(): void {
    const { rest } = this;
    this.rest = [];
    for (const stop of rest) this.add(stop);
  }
}
