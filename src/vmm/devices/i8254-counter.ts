/**
 * One counter of an 8254 interval timer (Intel 8254 datasheet, September 1993). Nothing counts here: what the counter holds follows
 * from the time at which it began. A new count begins at once in modes 0 and 2 to 4, where the chip would end the running period
 * of modes 2 and 3 first; in modes 1 and 5 with the next trigger.
 */
import { savedNumber, type DeviceState } from '../device.js';

/** Of the crystal: 14.31818 MHz / 12. */
export const PIT_HZ = 1_193_182n;
const NANOSECONDS = 1_000_000_000n;
/** Access: a byte, or two of them, the low one first. */
const LATCH = 0, LOW = 1, HIGH = 2;
const ONE_SHOTS: readonly number[] = [1, 5], PERIODIC: readonly number[] = [2, 3];
/** A counter that no control word was written to. */
const NO_MODE = 0xff;
const STATUS_OUT = 0x80, STATUS_NULL_COUNT = 0x40;

export class I8254Counter {
  readonly #now: () => bigint;
  #mode = NO_MODE;
  #access = 3;
  #bcd = false;
  #gate: boolean;
  /** That it counts from; 0 is the largest. */
  #count = 0;
  /** Programmed, and counted from the next trigger on (modes 1 and 5). */
  #next: number | undefined;
  /** When it began to count, in nanoseconds; undefined: it waits for a count or a trigger. */
  #began: bigint | undefined;
  /** Ticks that were counted when the gate closed, which stops modes 0 and 4, and 2 and 3 until it opens and they begin anew. */
  #held: number | undefined;
  #loaded = false;
  /** The first of two bytes that are written, and whether the second of two is read next. */
  #low: number | undefined;
  #readsHigh = false;
  /** What was latched and not read yet: the status is read first, then the count's bytes. */
  #status: number | undefined;
  #latch: number[] = [];

  /** `now`: nanoseconds. `gate`: whether it is open after power-on. */
  constructor(now: () => bigint, private readonly gateAtPowerOn: boolean) {
    this.#now = now;
    this.#gate = gateAtPowerOn;
  }

  /** For people: what was programmed. */
  get view(): { readonly count: number; readonly mode: number; readonly bcd: boolean; readonly gate: boolean } {
    return { count: this.#next ?? this.#count, mode: this.#mode, bcd: this.#bcd, gate: this.#gate };
  }

  get gate(): boolean {
    return this.#gate;
  }

  /** Ticks of a period, or to the end. */
  get period(): number {
    return this.#count === 0 ? (this.#bcd ? 10_000 : 0x1_0000) : this.#count;
  }

  /** It ends, once or for ever: OUT rises then. */
  get isRunning(): boolean {
    return this.#began !== undefined;
  }

  get isPeriodic(): boolean {
    return PERIODIC.includes(this.#mode);
  }

  /** How often it has come to an end since it began. */
  get ends(): number {
    const passed = Math.floor(this.#ticks() / this.period);
    return this.isPeriodic ? passed : Math.min(passed, 1);
  }

  /** Time of the n-th end, in nanoseconds of `now`. */
  endTime(n: number): bigint {
    return (this.#began ?? 0n) + (BigInt(n * this.period) * NANOSECONDS + PIT_HZ - 1n) / PIT_HZ;
  }

  /** OUT (datasheet, figures 15 to 20). */
  get out(): boolean {
    const period = this.period, ticks = this.#ticks();
    // A closed gate sets OUT of modes 2 and 3 at once.
    const isCounting = this.#began !== undefined || (this.#held !== undefined && !this.isPeriodic);
    switch (this.#mode) {
      case 0: return isCounting && ticks >= period;
      case 1: return !isCounting || ticks >= period;
      case 2: return !isCounting || ticks % period !== period - 1;
      case 3: return !isCounting || ticks % period < (period + 1) >> 1;
      case 4:
      case 5: return !isCounting || ticks !== period;
      default: return false;
    }
  }

  /** A control word for this counter (datasheet, figure 7): a latch command where it names no access. */
  control(value: number): void {
    const access = (value >> 4) & 3;
    if (access === LATCH) return this.latchCount();
    const mode = (value >> 1) & 7;
    this.#mode = mode > 5 ? mode - 4 : mode;
    this.#access = access;
    this.#bcd = (value & 1) !== 0;
    this.#began = this.#held = this.#next = this.#low = this.#status = undefined;
    this.#loaded = this.#readsHigh = false;
    this.#latch = [];
  }

  latchCount(): void {
    if (this.#latch.length > 0) return;
    const value = this.#value();
    this.#latch = this.#access === LOW ? [value & 0xff] : this.#access === HIGH ? [value >> 8] : [value & 0xff, value >> 8];
  }

  /** Of a read-back command: the first that is not read stays (datasheet, "Read-Back Command"). */
  latchStatus(): void {
    const access = this.#access << 4;
    this.#status ??= (this.out ? STATUS_OUT : 0) | (this.#loaded && this.#next === undefined ? 0 : STATUS_NULL_COUNT) | access | ((this.#mode & 7) << 1) | (this.#bcd ? 1 : 0);
  }

  read(): number {
    if (this.#status !== undefined) {
      const status = this.#status;
      this.#status = undefined;
      return status;
    }
    const latched = this.#latch.shift();
    if (latched !== undefined) return latched;
    const value = this.#value();
    const isHigh = this.#access === HIGH || (this.#access !== LOW && this.#readsHigh);
    this.#readsHigh = this.#access !== LOW && this.#access !== HIGH && !this.#readsHigh;
    return isHigh ? value >> 8 : value & 0xff;
  }

  /** A byte of the count; true when that is complete. */
  write(value: number): boolean {
    if (this.#access === LOW) return this.#load(value);
    if (this.#access === HIGH) return this.#load(value << 8);
    if (this.#low === undefined) {
      this.#low = value;
      if (this.#mode === 0) this.#began = this.#held = undefined; // the first byte stops it
      return false;
    }
    const low = this.#low;
    this.#low = undefined;
    return this.#load(low | (value << 8));
  }

  #load(raw: number): true {
    const count = this.#bcd ? fromBcd(raw) : raw;
    this.#loaded = true;
    if (ONE_SHOTS.includes(this.#mode)) {
      this.#next = count; // the gate triggers it; one that is under way ends as it began
      return true;
    }
    this.#count = count;
    this.#began = this.#held = undefined;
    if (this.#gate) this.#began = this.#now();
    else if (!this.isPeriodic) this.#held = 0;
    return true;
  }

  /** The gate's level: it holds a count (modes 0, 4), restarts one (2, 3), or triggers it (1, 5). */
  setGate(level: boolean): void {
    const rises = level && !this.#gate, falls = !level && this.#gate;
    this.#gate = level;
    if (!this.#loaded || (!rises && !falls)) return;
    if (this.#mode === 0 && this.#low !== undefined) return; // it waits for the second byte
    if (rises) {
      if (this.#next !== undefined) this.#count = this.#next;
      this.#next = undefined;
      if (this.isPeriodic) this.#held = undefined;
      this.#began = this.#held === undefined ? this.#now() : this.#now() - (BigInt(this.#held) * NANOSECONDS + PIT_HZ - 1n) / PIT_HZ;
      this.#held = undefined;
    } else if (!ONE_SHOTS.includes(this.#mode)) {
      this.#held = this.#ticks();
      this.#began = undefined;
    }
  }

  /** Since it began. */
  #ticks(): number {
    if (this.#held !== undefined) return this.#held;
    return this.#began === undefined ? 0 : Number(((this.#now() - this.#began) * PIT_HZ) / NANOSECONDS);
  }

  /** As it is read: in mode 3 it counts by two, beyond the end the others count on. */
  #value(): number {
    const period = this.period, ticks = this.#ticks();
    const left = this.#mode === 3 ? period - ((2 * ticks) % period) : this.#mode === 2 ? period - (ticks % period) : period - ticks;
    const largest = this.#bcd ? 10_000 : 0x1_0000;
    const value = ((left % largest) + largest) % largest;
    return this.#bcd ? toBcd(value) : value;
  }

  reset(): void {
    this.#mode = NO_MODE;
    this.#access = 3;
    this.#bcd = this.#loaded = this.#readsHigh = false;
    this.#gate = this.gateAtPowerOn;
    this.#count = 0;
    this.#began = this.#held = this.#next = this.#low = this.#status = undefined;
    this.#latch = [];
  }

  save(): DeviceState {
    return {
      mode: this.#mode, access: this.#access, bcd: this.#bcd, gate: this.#gate, count: this.#count, loaded: this.#loaded,
      age: this.#began === undefined ? null : Number(this.#now() - this.#began), held: this.#held ?? null, next: this.#next ?? null,
      low: this.#low ?? null, readsHigh: this.#readsHigh, status: this.#status ?? null, latch: [...this.#latch],
    };
  }

  restore(state: DeviceState): void {
    const optional = (key: string): number | undefined => (state[key] === null ? undefined : savedNumber(state, key));
    this.#mode = savedNumber(state, 'mode');
    this.#access = savedNumber(state, 'access');
    this.#count = savedNumber(state, 'count');
    this.#bcd = state['bcd'] === true;
    this.#gate = state['gate'] === true;
    this.#loaded = state['loaded'] === true;
    this.#readsHigh = state['readsHigh'] === true;
    this.#held = optional('held');
    this.#next = optional('next');
    this.#low = optional('low');
    this.#status = optional('status');
    const age = optional('age');
    this.#began = age === undefined ? undefined : this.#now() - BigInt(Math.round(age));
    this.#latch = [...state['latch'] as number[]];
  }
}

function fromBcd(value: number): number {
  return (value & 0xf) + 10 * ((value >> 4) & 0xf) + 100 * ((value >> 8) & 0xf) + 1000 * (value >> 12);
}

function toBcd(value: number): number {
  return (value % 10) | ((Math.floor(value / 10) % 10) << 4) | ((Math.floor(value / 100) % 10) << 8) | (Math.floor(value / 1000) << 12);
}
