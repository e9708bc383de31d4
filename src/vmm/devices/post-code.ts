/** The POST code port 0x80: remembers the last byte, as a diagnostic card shows it. Guests also write it as a delay. */
import { savedNumber, type AccessSize, type DeviceState, type PortDevice } from '../device.js';

export class PostCode implements PortDevice {
  readonly portWidth = 4 as const;
  readonly name = 'POST code';
  #code = 0;

  /** The last value written. */
  get code(): number {
    return this.#code;
  }

  readPort(_offset: number, _size: AccessSize): number {
    return this.#code;
  }

  writePort(_offset: number, _size: AccessSize, value: number): void {
    this.#code = value;
  }

  reset(): void {
    this.#code = 0;
  }

  save(): DeviceState {
    return { code: this.#code };
  }

  restore(state: DeviceState): void {
    this.#code = savedNumber(state, 'code');
  }
}
