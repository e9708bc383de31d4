/**
 * The PC's real-time clock and its CMOS memory: an MC146818A (Motorola datasheet, 1984) at ports 0x70 (index, offset 0)
 * and 0x71 (data, offset 1). The time is the host's in UTC, plus what the guest has set. The periodic, alarm and update
 * interrupts are IRQ 8. Bit 7 of the index port, which masks NMI on a PC, is remembered by nobody: there is no NMI.
 */
import { savedNumber, type AccessSize, type DeviceState, type PortDevice } from '../device.js';
import { TIME_REGISTERS, decodeHours, decodeTime, encodeTime, RTC_HOURS, RTC_MINUTES, RTC_SECONDS, type RtcFormat } from './rtc-time.js';

const CMOS_SIZE = 128;
const REG_A = 0x0a, REG_B = 0x0b, REG_C = 0x0c, REG_D = 0x0d;
/** Register A: update in progress; the divider as a 32768 Hz crystal needs it, and 1024 Hz. */
const A_UIP = 0x80, A_RESET = 0x26;
const B_SET = 0x80, B_PERIODIC = 0x40, B_ALARM = 0x20, B_UPDATE = 0x10, B_BINARY = 0x04, B_24H = 0x02;
const C_IRQ = 0x80;
/** Bits of B that enable what the same bits of C report: PF, AF, UF. */
const INTERRUPTS = B_PERIODIC | B_ALARM | B_UPDATE;
/** Register D: the battery is good. */
const D_VALID = 0x80;
/** Milliseconds before the second's end during which the update is in progress (datasheet: 244 µs and 1984 µs). */
const UPDATE_MILLISECONDS = 2;
/** Ticks that are made up for when the guest was late; more are lost, as after a stop in the debugger. */
const BACKLOG = 32;

/** Where the time comes from. */
export interface RtcHost {
  /** Milliseconds since 1970, with a fraction or without. */
  now(): number;
  /** Calls `work` once after some milliseconds; the result calls it off. */
  after(milliseconds: number, work: () => void): () => void;
}

const HOST: RtcHost = {
  now: () => performance.timeOrigin + performance.now(),
  after: (milliseconds, work) => {
    const timer = setTimeout(work, milliseconds).unref();
    return () => clearTimeout(timer);
  },
};

export class CmosRtc implements PortDevice {
  readonly portWidth = 1 as const;
  readonly name = 'CMOS and real-time clock (MC146818A)';
  readonly #initial: ReadonlyMap<number, number>;
  readonly #setIrq: (level: boolean) => void;
  readonly #host: RtcHost;
  readonly #cmos = new Uint8Array(CMOS_SIZE);
  #index = 0;
  /** What is added to the host's clock, in milliseconds. */
  #offset = 0;
  /** PF, AF and UF until register C is read. */
  #flags = 0;
  /** Periodic ticks and whole seconds of the guest's clock that have been told. */
  #toldTicks = 0;
  #toldSecond = 0;
  #cancel: (() => void) | undefined;

  /** `contents`: what the CMOS bytes hold after power-on (`cmosContents`). */
  constructor(contents: ReadonlyMap<number, number>, setIrq: (level: boolean) => void = () => undefined, host: RtcHost = HOST) {
    this.#initial = contents;
    this.#setIrq = setIrq;
    this.#host = host;
    this.reset();
  }

  readPort(offset: number, _size: AccessSize): number {
    if (offset === 0) return 0xff; // the index cannot be read back
    switch (this.#index) {
      case REG_A: return this.#cmos[REG_A] | (this.#updating() ? A_UIP : 0);
      case REG_C: return this.#readFlags();
      case REG_D: return D_VALID;
      default:
        if (TIME_REGISTERS.includes(this.#index)) this.#latch();
        return this.#cmos[this.#index];
    }
  }

  writePort(offset: number, _size: AccessSize, value: number): void {
    if (offset === 0) this.#index = value & 0x7f;
    else if (this.#index === REG_A) this.#writeA(value);
    else if (this.#index === REG_B) this.#writeB(value);
    else if (TIME_REGISTERS.includes(this.#index)) this.#writeTime(value);
    else if (this.#index !== REG_C && this.#index !== REG_D) this.#cmos[this.#index] = value;
  }

  #writeA(value: number): void {
    this.#cmos[REG_A] = value & ~A_UIP;
    this.#toldTicks = this.#ticks();
    this.#schedule();
  }

  #writeB(value: number): void {
    const freezes = value & ~this.#cmos[REG_B] & B_SET;
    const thaws = ~value & this.#cmos[REG_B] & B_SET;
    if (freezes !== 0) this.#latch();
    this.#cmos[REG_B] = freezes !== 0 ? value & ~B_UPDATE : value; // SET clears UIE
    if (thaws !== 0) this.#takeTime();
    this.#toldTicks = this.#ticks();
    this.#schedule();
  }

  #writeTime(value: number): void {
    this.#latch();
    this.#cmos[this.#index] = value;
    if ((this.#cmos[REG_B] & B_SET) === 0) this.#takeTime();
  }

  /** The time now into its registers, unless the guest has frozen them. */
  #latch(): void {
    if ((this.#cmos[REG_B] & B_SET) === 0) encodeTime(this.#now(), this.#format, this.#cmos);
  }

  #takeTime(): void {
    const fraction = this.#host.now() % 1000;
    this.#offset = Math.floor(decodeTime(this.#cmos, this.#format) + fraction - this.#host.now());
    this.#toldSecond = this.#second();
  }

  #updating(): boolean {
    return (this.#cmos[REG_B] & B_SET) === 0 && this.#now() % 1000 >= 1000 - UPDATE_MILLISECONDS;
  }

  get #format(): RtcFormat {
    return { binary: (this.#cmos[REG_B] & B_BINARY) !== 0, hours24: (this.#cmos[REG_B] & B_24H) !== 0 };
  }

  #now(): number {
    return this.#host.now() + this.#offset;
  }

  #second(): number {
    return Math.floor(this.#now() / 1000);
  }

  /** Milliseconds between periodic ticks; Infinity when they are off (datasheet, table 5). */
  get #period(): number {
    const rate = this.#cmos[REG_A] & 0x0f;
    return rate === 0 ? Infinity : 1000 / (32768 >> ((rate <= 2 ? rate + 7 : rate) - 1));
  }

  #ticks(): number {
    return Math.floor(this.#host.now() / this.#period);
  }

  /** Sets the flags that have become due and drives the line. */
  #update(): void {
    const ticks = this.#ticks();
    if (ticks > this.#toldTicks && (this.#flags & B_PERIODIC) === 0) {
      this.#flags |= B_PERIODIC;
      this.#toldTicks = Math.max(this.#toldTicks + 1, ticks - BACKLOG);
    }
    const second = this.#second();
    if (second !== this.#toldSecond && (this.#cmos[REG_B] & B_SET) === 0) {
      this.#flags |= B_UPDATE;
      if (this.#alarmIn(this.#toldSecond + 1, second)) this.#flags |= B_ALARM;
      this.#toldSecond = second;
    }
    this.#setIrq((this.#flags & this.#cmos[REG_B] & INTERRUPTS) !== 0);
  }

  /** Whether the alarm time is one of these seconds; at most a day of them is looked at. */
  #alarmIn(from: number, to: number): boolean {
    for (let second = Math.max(from, to - 86_400); second <= to; second++) {
      const fits = (register: number, value: number, decoded: number): boolean => register >= 0xc0 || decoded === value;
      const [seconds, minutes, hours] = [RTC_SECONDS, RTC_MINUTES, RTC_HOURS].map((time) => this.#cmos[time + 1]);
      const bcd = (value: number): number => (this.#format.binary ? value : (value >> 4) * 10 + (value & 0xf));
      if (fits(seconds, second % 60, bcd(seconds)) && fits(minutes, Math.floor(second / 60) % 60, bcd(minutes)) &&
        fits(hours, Math.floor(second / 3600) % 24, decodeHours(hours, this.#format))) return true;
    }
    return false;
  }

  #readFlags(): number {
    this.#update();
    const flags = this.#flags;
    const pending = (flags & this.#cmos[REG_B] & INTERRUPTS) !== 0;
    this.#flags = 0;
    this.#setIrq(false);
    // A tick that became due meanwhile is the next edge; only who counts interrupts would miss it.
    if ((this.#cmos[REG_B] & B_PERIODIC) === 0) this.#toldTicks = this.#ticks();
    else if (this.#ticks() > this.#toldTicks) this.#update();
    return flags | (pending ? C_IRQ : 0);
  }

  /** Wakes up for the next interrupt that is enabled. */
  #schedule(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#update();
    const enabled = this.#cmos[REG_B] & INTERRUPTS;
    if (enabled === 0) return;
    const toSecond = 1000 - (this.#now() % 1000);
    const toTick = (enabled & B_PERIODIC) !== 0 ? this.#period - (this.#host.now() % this.#period) : Infinity;
    const wait = Math.min((enabled & (B_ALARM | B_UPDATE)) !== 0 ? toSecond : Infinity, toTick);
    if (wait !== Infinity) this.#cancel = this.#host.after(Math.max(1, Math.ceil(wait)), () => this.#schedule());
  }

  reset(): void {
    this.#cmos.fill(0);
    for (const [index, value] of this.#initial) this.#cmos[index] = value;
    this.#cmos[REG_A] = A_RESET;
    this.#cmos[REG_B] = B_24H;
    this.#index = this.#offset = this.#flags = 0;
    this.#toldTicks = this.#ticks();
    this.#toldSecond = this.#second();
    this.#schedule();
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  save(): DeviceState {
    this.#latch();
    return { cmos: [...this.#cmos], index: this.#index, offset: this.#offset, flags: this.#flags };
  }

  restore(state: DeviceState): void {
    const cmos = state['cmos'];
    if (!Array.isArray(cmos) || cmos.length !== CMOS_SIZE) throw new TypeError('A saved clock has no CMOS memory.');
    this.#cmos.set(cmos as number[]);
    this.#index = savedNumber(state, 'index');
    this.#offset = savedNumber(state, 'offset');
    this.#flags = savedNumber(state, 'flags');
    this.#toldTicks = this.#ticks();
    this.#toldSecond = this.#second();
    this.#schedule();
  }
}
