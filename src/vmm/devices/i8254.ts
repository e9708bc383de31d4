/**
 * The 8254 interval timer of a PC (Intel 8254 datasheet, September 1993) at four ports, and system control port B (61h, offset
 * `PORT_B`), which has the third counter's gate and output. Counter 0's OUT is IRQ 0.
 */
import { I8254Counter } from './i8254-counter.js';
import { savedNumber, type AccessSize, type DeviceState, type PortDevice } from '../device.js';

/** Offset of system control port B. */
export const PORT_B = 4;
const CONTROL = 3, READ_BACK = 3;
const NO_COUNT = 0x20, NO_STATUS = 0x10;
const B_GATE = 0x01, B_SPEAKER = 0x02, B_REFRESH = 0x10, B_OUT = 0x20;
/** Nanoseconds between toggles of port B's refresh bit (IBM PC AT Technical Reference: 15.085 µs). */
const REFRESH = 15_085n;
/** Ticks that are made up for when the program was late; more are lost. */
const BACKLOG = 32;
/** Nanoseconds between ticks that are made up for. */
const HURRY = 200_000n;

export interface I8254Wiring {
  /** Nanoseconds of the guest's time. */
  readonly now: () => bigint;
  /** Calls `work` at that time, or soon after; the result calls it off. */
  readonly at: (time: bigint, work: () => void) => () => void;
  readonly setIrq: (level: boolean) => void;
  /** Whether the tick before this one has reached the guest: of two at once it would lose one. `taken` is called when it has. */
  readonly isTaken: () => boolean;
  /** Whether ticks are masked wherever they lead, so that the next one changes nothing. `taken` is called when that has changed. */
  readonly isIdle: () => boolean;
}

export class I8254 implements PortDevice {
  readonly name = 'interval timer (8254)';
  readonly portWidth = 1 as const;
  readonly #wiring: I8254Wiring;
  readonly counters: readonly [I8254Counter, I8254Counter, I8254Counter];
  #speaker = false;
  /** Ends of counter 0 that were told. */
  #told = 0;
  /** Ends are not waited for, and those that come are lost. */
  #idle = false;
  #cancel: (() => void) | undefined;

  constructor(wiring: I8254Wiring) {
    this.#wiring = wiring;
    const { now } = wiring;
    this.counters = [new I8254Counter(now, true), new I8254Counter(now, true), new I8254Counter(now, false)];
  }

  readPort(offset: number, _size: AccessSize): number {
    if (offset === PORT_B) return this.#readPortB();
    return offset === CONTROL ? 0xff : this.counters[offset].read();
  }

  writePort(offset: number, _size: AccessSize, value: number): void {
    if (offset === PORT_B) {
      this.#speaker = (value & B_SPEAKER) !== 0;
      this.counters[2].setGate((value & B_GATE) !== 0);
    } else if (offset === CONTROL) {
      this.#control(value);
    } else if (this.counters[offset].write(value) && offset === 0) {
      this.#began();
    }
  }

  #control(value: number): void {
    const index = value >> 6;
    if (index !== READ_BACK) {
      const counter = this.counters[index];
      counter.control(value);
      // A new mode stops counter 0 until its count comes.
      if (index === 0 && !counter.isRunning) this.#began();
      return;
    }
    this.counters.forEach((counter, i) => {
      if ((value & (2 << i)) === 0) return;
      if ((value & NO_COUNT) === 0) counter.latchCount();
      if ((value & NO_STATUS) === 0) counter.latchStatus();
    });
  }

  #readPortB(): number {
    const [, , speaker] = this.counters;
    const refresh = (this.#wiring.now() / REFRESH) % 2n === 0n ? 0 : B_REFRESH;
    return (speaker.gate ? B_GATE : 0) | (this.#speaker ? B_SPEAKER : 0) | refresh | (speaker.out ? B_OUT : 0);
  }

  /** Counter 0 counts from the beginning, or no more. */
  #began(): void {
    this.#told = 0;
    this.#wiring.setIrq(false);
    this.#schedule();
  }

  /** The guest may be ready for a tick that has waited for it. */
  taken(): void {
    if (this.#idle && !this.#wiring.isIdle()) {
      this.#idle = false;
      this.#told = this.counters[0].ends;
    }
    if (this.#cancel === undefined) this.#schedule();
  }

  /** Tells the ends that have come, and waits for the next. */
  #tick(): void {
    this.#cancel = undefined;
    const { setIrq, isTaken } = this.#wiring;
    const { ends } = this.counters[0];
    if (ends > this.#told && isTaken()) {
      this.#told = Math.max(this.#told + 1, ends - BACKLOG);
      setIrq(false);
      setIrq(true);
    }
    this.#schedule();
  }

  #schedule(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const [counter] = this.counters;
    if (!counter.isRunning || (!counter.isPeriodic && this.#told > 0)) return;
    const isLate = counter.ends > this.#told;
    this.#idle = this.#wiring.isIdle();
    if (this.#idle || (isLate && !this.#wiring.isTaken())) return;
    const time = isLate ? this.#wiring.now() + HURRY : counter.endTime(this.#told + 1);
    this.#cancel = this.#wiring.at(time, () => this.#tick());
  }

  reset(): void {
    for (const counter of this.counters) counter.reset();
    this.#speaker = false;
    this.#began();
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  save(): DeviceState {
    return { counters: this.counters.map((counter) => counter.save()), speaker: this.#speaker, told: this.#told };
  }

  restore(state: DeviceState): void {
    const counters = state['counters'];
    if (!Array.isArray(counters) || counters.length !== this.counters.length) throw new TypeError('A saved 8254 has no counters.');
    this.counters.forEach((counter, i) => counter.restore(counters[i] as DeviceState));
    this.#speaker = state['speaker'] === true;
    this.#told = savedNumber(state, 'told');
    this.#schedule();
  }
}
