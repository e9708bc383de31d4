/**
 * One function of a PCI device: its 256 bytes of configuration space (PCI Local Bus Specification 3.0, 6.1), described
 * by a table of registers. A bit that no register makes writable keeps its reset value.
 */
import type { AccessSize, Device, DeviceState } from '../device.js';

const CONFIG_SIZE = 256;

/** A register, or a run of bytes, of configuration space. */
export interface PciRegister {
  readonly offset: number;
  readonly size: AccessSize;
  readonly reset: number;
  /** The bits that software can change; none by default. */
  readonly writable?: number;
  /** Called with the whole register's value when a write or a reset has changed it. */
  readonly changed?: (value: number) => void;
}

export interface PciFunctionDescription {
  readonly name: string;
  /** 0..31 and 0..7, on bus 0. */
  readonly device: number;
  readonly function: number;
  readonly vendorId: number;
  readonly deviceId: number;
  /** Base class, sub-class, programming interface: 24 bits. */
  readonly classCode: number;
  readonly revision?: number;
  /** Whether the device has more functions than this one. */
  readonly multifunction?: boolean;
  /** Bits of the command register (offset 4) that are wired; 0..2 are I/O space, memory space and bus master. */
  readonly command?: { readonly reset: number; readonly writable: number; readonly changed?: (value: number) => void };
  readonly status?: number;
  /** INTA# = 1 … INTD# = 4; none by default. */
  readonly interruptPin?: number;
  readonly registers?: readonly PciRegister[];
}

/** What QEMU's own functions carry; SeaBIOS knows by them that fw_cfg is there. */
export const QEMU_SUBSYSTEM_VENDOR = 0x1af4;
const QEMU_SUBSYSTEM = 0x1100;

export class PciFunction implements Device {
  readonly name: string;
  readonly device: number;
  readonly function: number;
  readonly #registers: readonly PciRegister[];
  readonly #bytes = new Uint8Array(CONFIG_SIZE);
  readonly #writable = new Uint8Array(CONFIG_SIZE);
  readonly #view = new DataView(this.#bytes.buffer);

  constructor(description: PciFunctionDescription) {
    const { device, vendorId, deviceId, classCode, revision = 0, command, interruptPin } = description;
    this.name = description.name;
    this.device = device;
    this.function = description.function;
    this.#registers = [
      { offset: 0x00, size: 2, reset: vendorId },
      { offset: 0x02, size: 2, reset: deviceId },
      { offset: 0x04, size: 2, ...(command ?? { reset: 0 }) },
      { offset: 0x06, size: 2, reset: description.status ?? 0 },
      { offset: 0x08, size: 4, reset: ((classCode << 8) | revision) >>> 0 },
      { offset: 0x0c, size: 2, reset: 0, writable: 0xffff }, // cache line size, latency timer
      { offset: 0x0e, size: 1, reset: description.multifunction === true ? 0x80 : 0 },
      { offset: 0x2c, size: 2, reset: QEMU_SUBSYSTEM_VENDOR },
      { offset: 0x2e, size: 2, reset: QEMU_SUBSYSTEM },
      { offset: 0x3c, size: 1, reset: 0, writable: interruptPin === undefined ? 0 : 0xff },
      { offset: 0x3d, size: 1, reset: interruptPin ?? 0 },
      ...description.registers ?? [],
    ];
    for (const { offset, size, writable = 0 } of this.#registers) {
      for (let i = 0; i < size; i++) this.#writable[offset + i] = writable >>> (8 * i);
    }
    this.reset();
  }

  /** `size` bytes at `offset` 0..255, which does not cross a 32-bit word. */
  read(offset: number, size: AccessSize): number {
    if (size === 1) return this.#bytes[offset];
    return size === 2 ? this.#view.getUint16(offset, true) : this.#view.getUint32(offset, true);
  }

  /** Changes the writable bits and tells the registers that they touch. */
  write(offset: number, size: AccessSize, value: number): void {
    const before = this.#bytes.slice();
    for (let i = 0; i < size; i++) {
      const mask = this.#writable[offset + i];
      this.#bytes[offset + i] = (this.#bytes[offset + i] & ~mask) | ((value >>> (8 * i)) & mask);
    }
    this.#tell(before);
  }

  reset(): void {
    const before = this.#bytes.slice();
    this.#bytes.fill(0);
    for (const { offset, size, reset } of this.#registers) this.#put(offset, size, reset);
    this.#tell(before);
  }

  save(): DeviceState {
    return { config: [...this.#bytes] };
  }

  restore(state: DeviceState): void {
    const config = state['config'];
    if (!Array.isArray(config) || config.length !== CONFIG_SIZE) throw new TypeError(`A saved ${this.name} has no configuration space.`);
    const before = this.#bytes.slice();
    this.#bytes.set(config as number[]);
    this.#tell(before);
  }

  #put(offset: number, size: AccessSize, value: number): void {
    for (let i = 0; i < size; i++) this.#bytes[offset + i] = value >>> (8 * i);
  }

  #tell(before: Uint8Array): void {
    for (const { offset, size, changed } of this.#registers) {
      if (changed === undefined) continue;
      let differs = false;
      for (let i = offset; i < offset + size; i++) if (before[i] !== this.#bytes[i]) differs = true;
      if (differs) changed(this.read(offset, size));
    }
  }
}
