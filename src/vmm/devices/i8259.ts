/**
 * An 8259A interrupt controller (Intel 8259A datasheet, December 1988), one of the two on a PC, with the edge/level register
 * that PCI chipsets add (82371AB datasheet, 4.2.4). Offset 0 is the command port, 1 the data port, `ELCR` its edge/level register.
 */
import type { AccessSize, DeviceState, PortDevice } from '../device.js';
import type { PicState } from '../irqchip/chip-state.js';

/** Offset of the edge/level register. */
export const ELCR = 2;
const INPUTS = 8, SPURIOUS = 7, NONE = 8;
const ICW1 = 0x10, ICW1_SINGLE = 0x02, ICW1_NEEDS_ICW4 = 0x01;
const ICW4_AUTO_EOI = 0x02, ICW4_FULLY_NESTED = 0x10;
const OCW3 = 0x08, OCW3_POLL = 0x04, OCW3_READ = 0x02, OCW3_ISR = 0x01, OCW3_SPECIAL_MASK = 0x40, OCW3_SET_SPECIAL_MASK = 0x20;
const POLL_INTERRUPT = 0x80;

/** What is written next to the data port: the mask, or the initialization word of that number. */
type Expected = 'mask' | 'icw2' | 'icw3' | 'icw4';

/** All of it, by name: what a snapshot holds. */
const POWER_ON = {
  irr: 0, imr: 0, isr: 0, lines: 0, elcr: 0, base: 0, lowest: 7,
  readsIsr: false, poll: false, autoEoi: false, rotates: false, specialMask: false, fullyNested: false, needsIcw4: false, single: false,
  expected: 'mask' as Expected,
};

export interface I8259Wiring {
  /** Inputs that can be levels: not the timer's, the keyboard's and the cascade's, nor the clock's and the FPU's. */
  readonly levelInputs: number;
  /** Input that another 8259 drives; the one with such an input is the master. */
  readonly cascade?: number;
  /** The chip's registers or inputs have changed. */
  readonly changed: () => void;
}

export class I8259 implements PortDevice {
  readonly portWidth = 1 as const;
  readonly #wiring: I8259Wiring;
  #state = { ...POWER_ON };

  constructor(readonly name: string, wiring: I8259Wiring) {
    this.#wiring = wiring;
  }

  /** INTR: an input is requested that nothing in service keeps back. */
  get output(): boolean {
    return this.#next() !== NONE;
  }

  /** Another edge at this input would be one with what it has requested, or would wait for its service to end. */
  isPending(input: number): boolean {
    const { irr, imr, isr } = this.#state;
    return ((irr | (isr & ~imr)) & (1 << input)) !== 0;
  }

  /** An input is requested and masked: until that changes, nothing that it does is seen. */
  isIdle(input: number): boolean {
    const { irr, imr } = this.#state;
    return (irr & imr & (1 << input)) !== 0;
  }

  /** Drives input 0 to 7. */
  setInput(input: number, level: boolean): void {
    const { lines, elcr, irr } = this.#state;
    const bit = 1 << input;
    if ((elcr & bit) !== 0) this.#state.irr = level ? irr | bit : irr & ~bit;
    else if (level && (lines & bit) === 0) this.#state.irr = irr | bit;
    this.#state.lines = level ? lines | bit : lines & ~bit;
    this.#wiring.changed();
  }

  /** INTA: the processor takes the interrupt. The input, and the vector; input 7 where nothing is requested any more (datasheet, 6.1). */
  acknowledge(): { readonly input: number; readonly vector: number } {
    const next = this.#next();
    if (next !== NONE) this.#serve(next);
    const input = next === NONE ? SPURIOUS : next;
    this.#wiring.changed();
    return { input, vector: this.#state.base + input };
  }

  /** Undoes the acknowledge of a vector whose handler has not begun. False where it is not in service; with automatic EOI, where it is none of this chip's. */
  unacknowledge(vector: number): boolean {
    const state = this.#state;
    const input = vector - state.base;
    const bit = 1 << input;
    if (input < 0 || input >= INPUTS || (!state.autoEoi && (state.isr & bit) === 0)) return false;
    state.isr &= ~bit;
    if ((state.elcr & bit) === 0) state.irr |= bit;
    this.#wiring.changed();
    return true;
  }

  readPort(offset: number, _size: AccessSize): number {
    if (offset === ELCR) return this.#state.elcr;
    if (this.#state.poll) {
      this.#state.poll = false;
      const isRequested = this.output;
      const { input } = this.acknowledge();
      return isRequested ? POLL_INTERRUPT | input : 0;
    }
    if (offset === 1) return this.#state.imr;
    return this.#state.readsIsr ? this.#state.isr : this.#state.irr;
  }

  writePort(offset: number, _size: AccessSize, value: number): void {
    if (offset === ELCR) this.#state.elcr = value & this.#wiring.levelInputs;
    else if (offset === 1) this.#writeData(value);
    else if ((value & ICW1) !== 0) this.#initialize(value);
    else if ((value & OCW3) !== 0) this.#writeOcw3(value);
    else this.#writeOcw2(value);
    this.#wiring.changed();
  }

  /** ICW1: as after power-on but for the inputs and the vectors; edges that waited are forgotten (datasheet, "Initialization"). */
  #initialize(value: number): void {
    const { lines, elcr, base, irr } = this.#state;
    this.#state = {
      ...POWER_ON, lines, elcr, base, irr: irr & elcr, expected: 'icw2',
      needsIcw4: (value & ICW1_NEEDS_ICW4) !== 0, single: (value & ICW1_SINGLE) !== 0,
    };
  }

  #writeData(value: number): void {
    const state = this.#state;
    const afterIcw3: Expected = state.needsIcw4 ? 'icw4' : 'mask';
    switch (state.expected) {
      case 'mask':
        state.imr = value;
        break;
      case 'icw2':
        state.base = value & 0xf8;
        state.expected = state.single ? afterIcw3 : 'icw3';
        break;
      case 'icw3': // which input the cascade is, is wired
        state.expected = afterIcw3;
        break;
      case 'icw4':
        state.autoEoi = (value & ICW4_AUTO_EOI) !== 0;
        state.fullyNested = (value & ICW4_FULLY_NESTED) !== 0;
        state.expected = 'mask';
        break;
    }
  }

  /** End of interrupt and rotation (datasheet, figure 8): bit 7 rotates, bit 6 names an input, bit 5 ends its service. */
  #writeOcw2(value: number): void {
    const state = this.#state;
    const rotates = (value & 0x80) !== 0, isSpecific = (value & 0x40) !== 0, ends = (value & 0x20) !== 0;
    if (!ends && !isSpecific) {
      state.rotates = rotates; // in automatic EOI
      return;
    }
    if (!ends && !rotates) return;
    // In special mask mode one that is masked is not meant ("Special Mask Mode").
    const input = isSpecific ? value & 7 : this.#highest(state.specialMask ? state.isr & ~state.imr : state.isr);
    if (input === NONE) return;
    if (ends) state.isr &= ~(1 << input);
    if (rotates) state.lowest = input;
  }

  #writeOcw3(value: number): void {
    const state = this.#state;
    if ((value & OCW3_POLL) !== 0) state.poll = true;
    else if ((value & OCW3_READ) !== 0) state.readsIsr = (value & OCW3_ISR) !== 0;
    if ((value & OCW3_SPECIAL_MASK) !== 0) state.specialMask = (value & OCW3_SET_SPECIAL_MASK) !== 0;
  }

  /** Of these inputs, the one with the highest priority: the first behind the lowest. */
  #highest(inputs: number): number {
    for (let i = 1; i <= INPUTS; i++) {
      const input = (this.#state.lowest + i) % INPUTS;
      if ((inputs & (1 << input)) !== 0) return input;
    }
    return NONE;
  }

  /** How many inputs go before this one; all of them before none. */
  #rank(input: number): number {
    return input === NONE ? INPUTS : (input - this.#state.lowest - 1 + INPUTS) % INPUTS;
  }

  /** The input that the processor is interrupted for. */
  #next(): number {
    const { irr, imr, isr, specialMask, fullyNested } = this.#state;
    const next = this.#highest(irr & ~imr);
    if (next === NONE) return NONE;
    const { cascade } = this.#wiring;
    let inService = specialMask ? isr & ~imr : isr;
    // A slave may have something more urgent than what it has in service (datasheet, "Special Fully Nested Mode").
    if (fullyNested && cascade !== undefined) inService &= ~(1 << cascade);
    return this.#rank(next) < this.#rank(this.#highest(inService)) ? next : NONE;
  }

  #serve(input: number): void {
    const state = this.#state;
    const bit = 1 << input;
    if ((state.elcr & bit) === 0) state.irr &= ~bit;
    if (!state.autoEoi) state.isr |= bit;
    else if (state.rotates) state.lowest = input;
  }

  /** For people. */
  get view(): PicState {
    const { irr, imr, isr, lowest, base, readsIsr, elcr, autoEoi, specialMask, fullyNested } = this.#state;
    return { irr, imr, isr, highest: (lowest + 1) % INPUTS, base, readsIsr, elcr, autoEoi, specialMask, fullyNested };
  }

  reset(): void {
    this.#state = { ...POWER_ON };
    this.#wiring.changed();
  }

  save(): DeviceState {
    return { ...this.#state };
  }

  restore(state: DeviceState): void {
    for (const [key, value] of Object.entries(POWER_ON)) {
      if (typeof state[key] !== typeof value) throw new TypeError(`A saved 8259 has no "${key}".`);
    }
    this.#state = { ...POWER_ON, ...(state as typeof POWER_ON) };
    this.#wiring.changed();
  }
}
