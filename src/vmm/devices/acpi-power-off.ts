/**
 * The PM1a control register as small kernels use it without reading any ACPI table: a 16-bit write of
 * SLP_TYP | SLP_EN (ACPI 6.5, 4.8.3.2.1) that enters S5. Each machine has its port and its value:
 * QEMU 0x604 ← 0x2000, Bochs and old QEMU 0xb004 ← 0x2000, VirtualBox 0x4004 ← 0x3400.
 */
import { savedNumber, type AccessSize, type DeviceState, type PortDevice, type RaiseEvent } from '../device.js';

export class AcpiPowerOff implements PortDevice {
  readonly portWidth = 2 as const;
  readonly name: string;
  readonly #powerOffValue: number;
  readonly #raise: RaiseEvent;
  #value = 0;

  constructor(machine: string, powerOffValue: number, raise: RaiseEvent) {
    this.name = `ACPI power-off (${machine})`;
    this.#powerOffValue = powerOffValue;
    this.#raise = raise;
  }

  readPort(offset: number, size: AccessSize): number {
    return size === 2 ? this.#value : (this.#value >> (8 * offset)) & 0xff;
  }

  writePort(offset: number, size: AccessSize, value: number): void {
    // SLP_EN is write-only and reads as zero.
    const shift = 8 * offset;
    const whole = size === 2 ? value : (this.#value & ~(0xff << shift)) | (value << shift);
    this.#value = whole & ~0x2000;
    if (whole === this.#powerOffValue) this.#raise({ kind: 'power-off', status: 0, cause: this.name });
  }

  reset(): void {
    this.#value = 0;
  }

  save(): DeviceState {
    return { value: this.#value };
  }

  restore(state: DeviceState): void {
    this.#value = savedNumber(state, 'value');
  }
}
