/**
 * The ACPI registers of PIIX4's power management function (82371AB datasheet, 7.2; ACPI 6.5, 4.8.3) in its PM I/O space:
 * PMSTS, PMEN, PMCNTRL with the way to switch off, and PMTMR, the timer of 3.579545 MHz that firmware measures time with.
 * No event happens here that would raise the SCI: there is no power button.
 */
import { savedNumber, type AccessSize, type DeviceState, type PortDevice, type RaiseEvent } from '../device.js';

const PMSTS = 0, PMEN = 2, PMCNTRL = 4, PMTMR = 8;
const SCI_EN = 0x0001;
const SLP_EN = 0x2000;
/** SLP_TYP of soft-off; the other sleep states are not there. */
const SLP_SOFT_OFF = 0;
/** Cycles a second of the PM timer; a third of the PIT's crystal. */
const PM_TIMER_HZ = 3_579_545n;
const NANOSECONDS = 1_000_000_000n;

/** Nanoseconds of a clock that only goes forward. */
export type MonotonicClock = () => bigint;

export class AcpiPm implements PortDevice {
  readonly portWidth = 4 as const;
  readonly name = 'ACPI PM registers (PIIX4)';
  readonly #raise: RaiseEvent;
  readonly #now: MonotonicClock;
  #enable = 0;
  #control = 0;
  #start: bigint;

  constructor(raise: RaiseEvent, now: MonotonicClock = () => process.hrtime.bigint()) {
    this.#raise = raise;
    this.#now = now;
    this.#start = now();
  }

  readPort(offset: number, size: AccessSize): number {
    const register = offset & ~3;
    return (this.#read32(register) >>> (8 * (offset - register))) & (size === 4 ? -1 : size === 2 ? 0xffff : 0xff);
  }

  #read32(register: number): number {
    switch (register) {
      case PMSTS: return this.#enable << 16;
      case PMCNTRL: return this.#control;
      case PMTMR: return this.#ticks();
      default: return 0;
    }
  }

  /** 24 bits, as the PIIX4 has them. */
  #ticks(): number {
    return Number((((this.#now() - this.#start) * PM_TIMER_HZ) / NANOSECONDS) & 0xff_ffffn);
  }

  writePort(offset: number, size: AccessSize, value: number): void {
    for (let i = 0; i < size; i++) {
      const at = offset + i;
      const byte = (value >>> (8 * i)) & 0xff;
      if (at >= PMEN && at < PMEN + 2) this.#enable = replaceByte(this.#enable, at - PMEN, byte);
      else if (at >= PMCNTRL && at < PMCNTRL + 2) this.#control = replaceByte(this.#control, at - PMCNTRL, byte);
    }
    if ((this.#control & SLP_EN) !== 0) this.#sleep();
  }

  /** SLP_EN is write-only and reads as zero. */
  #sleep(): void {
    this.#control &= ~SLP_EN;
    if (((this.#control >> 10) & 7) === SLP_SOFT_OFF) this.#raise({ kind: 'power-off', status: 0, cause: 'ACPI power-off (PIIX4)' });
  }

  /** What the APM control port's ACPI commands do: the system takes the SCI, or gives it back. */
  setSciEnabled(enabled: boolean): void {
    this.#control = enabled ? this.#control | SCI_EN : this.#control & ~SCI_EN;
  }

  reset(): void {
    this.#enable = this.#control = 0;
    this.#start = this.#now();
  }

  save(): DeviceState {
    return { enable: this.#enable, control: this.#control, ticks: this.#ticks() };
  }

  restore(state: DeviceState): void {
    this.#enable = savedNumber(state, 'enable');
    this.#control = savedNumber(state, 'control');
    this.#start = this.#now() - (BigInt(savedNumber(state, 'ticks')) * NANOSECONDS) / PM_TIMER_HZ;
  }
}

function replaceByte(word: number, index: number, byte: number): number {
  return (word & ~(0xff << (8 * index))) | (byte << (8 * index));
}
