/**
 * What a machine's exits cost: how many of each reason, how long the host took to serve them, and at which ports and
 * pages the time went. Every exit is counted; times are known of those that a debugger's run loop served.
 *
 * Kept all the time, so an exit costs two additions and a bucket here. Memory is bounded: places beyond 1024 ports
 * and 1024 pages are not told apart.
 */
import type { Exit, ExitReason } from './exit.js';
import { DurationHistogram } from './duration-histogram.js';

/** Ports, and pages, whose times are kept one by one; a guest that scans its address space must not fill ours. */
const MAX_PLACES = 1024;

export interface ReasonCount {
  readonly reason: ExitReason;
  readonly count: number;
  /** From exit to re-entry, or until the stop was reported. */
  readonly served: DurationHistogram;
}

/** A port or a 4 KiB page of MMIO, and the time its accesses took. */
export interface PlaceTime {
  readonly kind: 'port' | 'page';
  /** Port number, or the page's guest-physical address. */
  readonly address: number;
  readonly count: number;
  readonly totalMicroseconds: number;
}

/** How many exits of each reason there were since the look before. */
export interface ExitLook {
  readonly seconds: number;
  readonly counts: ReadonlyMap<ExitReason, number>;
}

interface MutableCount extends ReasonCount {
  count: number;
}

interface MutablePlace extends PlaceTime {
  count: number;
  totalMicroseconds: number;
}

export class ExitCounters {
  readonly #reasons = new Map<ExitReason, MutableCount>();
  readonly #ports = new Map<number, MutablePlace>();
  readonly #pages = new Map<number, MutablePlace>();
  #lastLook: number;
  #lastCounts: ReadonlyMap<ExitReason, number> = new Map();

  /**
   * `now` in milliseconds, as of `performance.now()`: where the first look's time begins. The default is that clock within a
   * millisecond, without its modules, which nothing else needs before the first client.
   */
  constructor(now = process.uptime() * 1000) {
    this.#lastLook = now;
  }

  /** Counts one exit. */
  count(reason: ExitReason): void {
    const found = this.#reasons.get(reason);
    if (found === undefined) this.#reasons.set(reason, { reason, count: 1, served: new DurationHistogram() });
    else found.count++;
  }

  /** The exit, which has been counted, was served in this time. Reads nothing of the exit's `data`. */
  served(exit: Exit, microseconds: number): void {
    this.#reasons.get(exit.reason)?.served.add(microseconds);
    if (exit.reason === 'io') addTo(this.#ports, 'port', exit.port, microseconds);
    else if (exit.reason === 'mmio') addTo(this.#pages, 'page', Number(exit.address >> 12n) * 0x1000, microseconds);
  }

  /** By reason, the most frequent first. */
  get reasons(): readonly ReasonCount[] {
    return [...this.#reasons.values()].sort((a, b) => b.count - a.count);
  }

  get counts(): ReadonlyMap<ExitReason, number> {
    return new Map([...this.#reasons.values()].map(({ reason, count }) => [reason, count]));
  }

  /** Ports and pages, the one that took the most time in all first. */
  get places(): readonly PlaceTime[] {
    return [...this.#ports.values(), ...this.#pages.values()].sort((a, b) => b.totalMicroseconds - a.totalMicroseconds);
  }

  /** What came since the last look, or since the beginning; the next look begins here. */
  look(now = performance.now()): ExitLook {
    const counts = this.counts;
    const before = this.#lastCounts;
    const seconds = (now - this.#lastLook) / 1000;
    this.#lastLook = now;
    this.#lastCounts = counts;
    return { seconds, counts: new Map([...counts].map(([reason, count]) => [reason, count - (before.get(reason) ?? 0)])) };
  }
}

function addTo(places: Map<number, MutablePlace>, kind: PlaceTime['kind'], address: number, microseconds: number): void {
  let place = places.get(address);
  if (place === undefined) {
    if (places.size >= MAX_PLACES) return;
    places.set(address, place = { kind, address, count: 0, totalMicroseconds: 0 });
  }
  place.count++;
  place.totalMicroseconds += microseconds;
}
