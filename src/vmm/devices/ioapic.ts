/**
 * The 82093AA I/O APIC (Intel datasheet, May 1996): an index and a data register in memory, 24 inputs, each with an entry that says
 * which interrupt it makes. An interrupt goes out as the message that the entry stands for (82093AA, 3.2.4; SDM vol. 3A, 11.11).
 */
import { savedNumber, type DeviceState, type MmioDevice } from '../device.js';
import { redirection, type IoapicState } from '../irqchip/chip-state.js';

export const IOAPIC_INPUTS = 24;
export const IOAPIC_SIZE = 0x1000n;
const SELECT = 0x00, WINDOW = 0x10;
const ID = 0, VERSION = 1, ARBITRATION = 2, TABLE = 0x10;
const VERSION_VALUE = 0x11 | ((IOAPIC_INPUTS - 1) << 16);
const ID_MASK = 0x0f00_0000;
/** Bits of an entry. Delivery status and remote IRR are not the guest's to write. */
const MASKED = 1n << 16n, LEVEL = 1n << 15n, REMOTE_IRR = 1n << 14n, STATUS = 1n << 12n;
const LOW_HALF = 0xffff_ffffn, WRITABLE = 0xff00_0000_0001_afffn;
const EXTINT = 7;
const MESSAGES = 0xfee0_0000n;
const MESSAGE_LOGICAL = 4n, MESSAGE_LEVEL = 1 << 15, MESSAGE_ASSERT = 1 << 14;

/** A message-signalled interrupt. */
export interface InterruptMessage {
  readonly address: bigint;
  readonly data: number;
}

export interface IoapicWiring {
  readonly address: bigint;
  readonly send: (message: InterruptMessage) => void;
  /** The table has changed: what is let through, and which vectors' ends of interrupt it has to be told. */
  readonly changed: () => void;
}

export class Ioapic implements MmioDevice {
  readonly name = 'I/O APIC (82093AA)';
  readonly #wiring: IoapicWiring;
  readonly #table = new BigUint64Array(IOAPIC_INPUTS);
  #id = 0;
  #selected = 0;
  /** Levels of the inputs, and what is requested. */
  #lines = 0;
  #irr = 0;

  constructor(wiring: IoapicWiring) {
    this.#wiring = wiring;
    this.#table.fill(MASKED);
  }

  /** Whether what comes at an input is kept from the processors. */
  isMasked(input: number): boolean {
    return (this.#table[input] & MASKED) !== 0n;
  }

  /** Drives input 0 to 23. */
  setInput(input: number, level: boolean): void {
    const bit = 1 << input;
    const rises = level && (this.#lines & bit) === 0;
    this.#lines = level ? this.#lines | bit : this.#lines & ~bit;
    if ((this.#table[input] & LEVEL) !== 0n) this.#irr = level ? this.#irr | bit : this.#irr & ~bit;
    // An edge at an input that is masked is lost (82093AA, 3.2.4, interrupt mask).
    else if (rises && (this.#table[input] & MASKED) === 0n) this.#irr |= bit;
    this.#deliver(input);
  }

  /** The processors have ended the service of a vector that is a level: what is still requested comes again. */
  endOfInterrupt(vector: number): void {
    for (let input = 0; input < IOAPIC_INPUTS; input++) {
      const entry = this.#table[input];
      if ((entry & LEVEL) === 0n || (entry & REMOTE_IRR) === 0n || Number(entry & 0xffn) !== vector) continue;
      this.#table[input] = entry & ~REMOTE_IRR;
      this.#deliver(input);
    }
  }

  /** Vectors of levels whose end of interrupt has not been told. */
  get awaited(): readonly number[] {
    return [...this.#table].filter((entry) => (entry & LEVEL) !== 0n && (entry & REMOTE_IRR) !== 0n).map((entry) => Number(entry & 0xffn));
  }

  /** The messages of inputs that are levels, by input. */
  get levels(): readonly (readonly [input: number, message: InterruptMessage])[] {
    return [...this.#table.keys()].filter((input) => (this.#table[input] & LEVEL) !== 0n).map((input) => [input, this.#message(input)]);
  }

  #deliver(input: number): void {
    const entry = this.#table[input], bit = 1 << input;
    if ((this.#irr & bit) === 0 || (entry & MASKED) !== 0n) return;
    // An 8259 behind an input has vectors of its own, which come by LINT0 here.
    if (redirection(entry).deliveryMode === EXTINT) return;
    if ((entry & LEVEL) === 0n) this.#irr &= ~bit;
    else if ((entry & REMOTE_IRR) !== 0n) return;
    else this.#table[input] = entry | REMOTE_IRR;
    this.#wiring.send(this.#message(input));
  }

  #message(input: number): InterruptMessage {
    const { vector, deliveryMode, destination, logical, level } = redirection(this.#table[input]);
    return {
      address: MESSAGES | (BigInt(destination) << 12n) | (logical ? MESSAGE_LOGICAL : 0n),
      data: vector | (deliveryMode << 8) | (level ? MESSAGE_LEVEL | MESSAGE_ASSERT : 0),
    };
  }

  readMmio(offset: number, data: Uint8Array): void {
    const value = offset === SELECT ? this.#selected : offset === WINDOW ? this.#readRegister() : 0;
    data.forEach((_, i) => { data[i] = i < 4 ? value >>> (8 * i) : 0; });
  }

  writeMmio(offset: number, data: Uint8Array): void {
    const value = data.slice(0, 4).reduce((sum, byte, i) => sum + byte * 2 ** (8 * i), 0);
    if (offset === SELECT) this.#selected = value & 0xff;
    else if (offset === WINDOW) this.#writeRegister(value);
  }

  #readRegister(): number {
    const { input, shift } = this.#half;
    if (input !== undefined) return Number((this.#table[input] >> shift) & LOW_HALF);
    if (this.#selected === VERSION) return VERSION_VALUE;
    return this.#selected === ID || this.#selected === ARBITRATION ? this.#id : 0;
  }

  #writeRegister(value: number): void {
    const { input, shift } = this.#half;
    if (input === undefined) {
      if (this.#selected === ID) this.#id = value & ID_MASK;
      return;
    }
    const before = this.#table[input];
    const whole = (before & ~(LOW_HALF << shift)) | (BigInt(value) << shift);
    let entry = (whole & WRITABLE) | (before & (REMOTE_IRR | STATUS));
    // Changed to an edge, it waits for nobody's end of interrupt.
    if ((entry & LEVEL) === 0n) entry &= ~REMOTE_IRR;
    this.#table[input] = entry;
    this.#wiring.changed();
    const bit = 1 << input;
    if ((entry & LEVEL) !== 0n) this.#irr = (this.#lines & bit) !== 0 ? this.#irr | bit : this.#irr & ~bit;
    this.#deliver(input);
  }

  /** The half of the table that is selected. */
  get #half(): { readonly input?: number; readonly shift: bigint } {
    const input = (this.#selected - TABLE) >> 1;
    return this.#selected < TABLE || input >= IOAPIC_INPUTS ? { shift: 0n } : { input, shift: (this.#selected & 1) === 0 ? 0n : 32n };
  }

  /** For people. */
  get view(): IoapicState {
    return { address: this.#wiring.address, id: this.#id >>> 24, selected: this.#selected, irr: this.#irr, redirections: [...this.#table].map(redirection) };
  }

  /** The inputs stay as the devices drive them. */
  reset(): void {
    this.#table.fill(MASKED);
    this.#id = this.#selected = this.#irr = 0;
    this.#wiring.changed();
  }

  save(): DeviceState {
    return { table: [...this.#table].map(String), id: this.#id, selected: this.#selected, lines: this.#lines, irr: this.#irr };
  }

  restore(state: DeviceState): void {
    const table = state['table'];
    if (!Array.isArray(table) || table.length !== IOAPIC_INPUTS) throw new TypeError('A saved I/O APIC has no table.');
    this.#table.set((table as string[]).map(BigInt));
    this.#id = savedNumber(state, 'id');
    this.#selected = savedNumber(state, 'selected');
    this.#lines = savedNumber(state, 'lines');
    this.#irr = savedNumber(state, 'irr');
    this.#wiring.changed();
  }
}
