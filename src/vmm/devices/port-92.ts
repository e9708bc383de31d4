/**
 * System control port A, port 0x92 (IBM PS/2 Hardware Interface Technical Reference): bit 0 resets the processor at
 * its rising edge, bit 1 is the A20 line. A20 is always open here, as firmware leaves it; the bit is remembered so
 * that the guest reads back what it wrote.
 */
import { savedNumber, type AccessSize, type DeviceState, type PortDevice, type RaiseEvent } from '../device.js';

const FAST_RESET = 0x01;
const A20 = 0x02;

export class Port92 implements PortDevice {
  readonly portWidth = 1 as const;
  readonly name = 'port 92';
  readonly #raise: RaiseEvent;
  #value = A20;

  constructor(raise: RaiseEvent) {
    this.#raise = raise;
  }

  readPort(_offset: number, _size: AccessSize): number {
    return this.#value;
  }

  writePort(_offset: number, _size: AccessSize, value: number): void {
    const rising = value & ~this.#value;
    this.#value = value;
    if ((rising & FAST_RESET) !== 0) this.#raise({ kind: 'reset', cause: 'fast reset by port 0x92' });
  }

  reset(): void {
    this.#value = A20;
  }

  save(): DeviceState {
    return { value: this.#value };
  }

  restore(state: DeviceState): void {
    this.#value = savedNumber(state, 'value');
  }
}
