/**
 * The APM control and status ports 0xb2 and 0xb3 (APMC, APMS; 82371SB datasheet, 2.5.3). On a PC a write to 0xb2 is an SMI
 * whose handler takes ACPI mode over (ACPI 6.5, 4.8.2.5, SMI_CMD); there is no SMM here, so that is done at once.
 */
import { savedNumber, type AccessSize, type DeviceState, type PortDevice } from '../device.js';

/** The values of SMI_CMD in the FADT of QEMU's machine, which SeaBIOS's tables name too. */
const ACPI_ENABLE = 0xf1, ACPI_DISABLE = 0xf0;

export class ApmControl implements PortDevice {
  readonly portWidth = 1 as const;
  readonly name = 'APM control (SMI command)';
  readonly #setSciEnabled: (enabled: boolean) => void;
  readonly #ports = new Uint8Array(2);

  constructor(setSciEnabled: (enabled: boolean) => void) {
    this.#setSciEnabled = setSciEnabled;
  }

  readPort(offset: number, _size: AccessSize): number {
    return this.#ports[offset];
  }

  writePort(offset: number, _size: AccessSize, value: number): void {
    this.#ports[offset] = value;
    if (offset === 0 && (value === ACPI_ENABLE || value === ACPI_DISABLE)) this.#setSciEnabled(value === ACPI_ENABLE);
  }

  reset(): void {
    this.#ports.fill(0);
  }

  save(): DeviceState {
    return { control: this.#ports[0], status: this.#ports[1] };
  }

  restore(state: DeviceState): void {
    this.#ports[0] = savedNumber(state, 'control');
    this.#ports[1] = savedNumber(state, 'status');
  }
}
