/**
 * PCI bus 0 behind configuration mechanism #1 (PCI Local Bus Specification 3.0, 3.2.2.3.2): a 32-bit address at port
 * 0xcf8 (CONFADD) and a data window at 0xcfc (CONFDATA). A byte at 0xcf9 is not the address but the PIIX3's reset
 * control register (82371SB datasheet, 2.5.4), so this device owns that port too. Claim it with offset 0 at 0xcf8.
 */
import { savedNumber, type AccessSize, type Device, type DeviceState, type PortDevice, type RaiseEvent } from '../device.js';
import type { PciFunction } from './pci-function.js';

const CONFADD = 0, RESET_CONTROL = 1, CONFDATA = 4;
const ENABLE = 0x8000_0000;
/** Reset control: what kind of reset, and that it happen (at the rising edge). */
const RCR_SYSTEM_RESET = 0x02, RCR_RESET_CPU = 0x04;

export class PciBus implements PortDevice {
  readonly portWidth = 4 as const;
  readonly name = 'PCI configuration';
  readonly functions: readonly PciFunction[];
  readonly #raise: RaiseEvent;
  #address = 0;
  #resetControl = 0;

  constructor(functions: readonly PciFunction[], raise: RaiseEvent) {
    this.functions = functions;
    this.#raise = raise;
  }

  /** This and its functions. */
  get devices(): readonly Device[] {
    return [this, ...this.functions];
  }

  /** The function at `device`.`function` of bus 0. */
  functionAt(device: number, func: number): PciFunction | undefined {
    return this.functions.find((known) => known.device === device && known.function === func);
  }

  readPort(offset: number, size: AccessSize): number {
    if (offset >= CONFDATA) {
      const target = this.#selected();
      return target === undefined ? 0xffff_ffff : target.read(this.#register(offset), size);
    }
    if (offset === CONFADD && size === 4) return this.#address;
    if (offset === RESET_CONTROL && size === 1) return this.#resetControl;
    return 0xffff_ffff;
  }

  writePort(offset: number, size: AccessSize, value: number): void {
    if (offset >= CONFDATA) this.#selected()?.write(this.#register(offset), size, value);
    else if (offset === CONFADD && size === 4) this.#address = (value & 0x80ff_fffc) >>> 0;
    else if (offset === RESET_CONTROL && size === 1) this.#writeResetControl(value);
  }

  #writeResetControl(value: number): void {
    const rising = value & ~this.#resetControl;
    this.#resetControl = value & (RCR_SYSTEM_RESET | RCR_RESET_CPU);
    if ((rising & RCR_RESET_CPU) !== 0) this.#raise({ kind: 'reset', cause: 'reset control port 0xcf9' });
  }

  #selected(): PciFunction | undefined {
    const bus = (this.#address >>> 16) & 0xff;
    if ((this.#address & ENABLE) === 0 || bus !== 0) return undefined;
    return this.functionAt((this.#address >>> 11) & 0x1f, (this.#address >>> 8) & 7);
  }

  #register(offset: number): number {
    return (this.#address & 0xfc) + (offset - CONFDATA);
  }

  reset(): void {
    this.#address = this.#resetControl = 0;
  }

  save(): DeviceState {
    return { address: this.#address, resetControl: this.#resetControl };
  }

  restore(state: DeviceState): void {
    this.#address = savedNumber(state, 'address');
    this.#resetControl = savedNumber(state, 'resetControl');
  }
}
