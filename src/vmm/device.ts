/**
 * What a device is. Devices see offsets from where they were put, never addresses: the bus owns those.
 * Every device can save and restore itself as plain data, so that machine snapshots need nothing of it.
 */

/** Plain data that JSON can carry. */
export type DeviceState = { readonly [key: string]: DeviceValue };
export type DeviceValue = number | string | boolean | null | readonly DeviceValue[] | DeviceState;

export interface Device {
  /** As `monitor info devices` shows it: `serial0 (16550A)`. */
  readonly name: string;
  /** To the state after power-on. */
  reset(): void;
  save(): DeviceState;
  /** Takes what `save` of the same kind of device gave. */
  restore(state: DeviceState): void;
  /** Ends what waits for a time: the machine is over. May be left out. */
  close?(): void;
}

/** Bytes in one access. */
export type AccessSize = 1 | 2 | 4;

/** A device on the I/O port bus. */
export interface PortDevice extends Device {
  /** The widest access it takes; the bus splits wider ones as the ISA bus does (16 bits to an 8-bit card: two cycles). */
  readonly portWidth: AccessSize;
  /** `size` bytes at `offset` as an unsigned number. */
  readPort(offset: number, size: AccessSize): number;
  writePort(offset: number, size: AccessSize, value: number): void;
  /**
   * REP INS at `offset`, where a device has many bytes ready (a disk's sector): fills the front of `data` and returns how
   * many bytes that was, a multiple of `size`. The bus reads the rest element by element. May be left out.
   */
  readPortBlock?(offset: number, size: AccessSize, data: Uint8Array): number;
  /** REP OUTS likewise: takes the front of `data` and returns how many bytes it took, a multiple of `size`. */
  writePortBlock?(offset: number, size: AccessSize, data: Uint8Array): number;
}

/** A device in guest-physical address space. */
export interface MmioDevice extends Device {
  /** Fills `data` (1..8 bytes) from `offset`. */
  readMmio(offset: number, data: Uint8Array): void;
  writeMmio(offset: number, data: Uint8Array): void;
}

/** What a device may ask of the machine: to end it or to start it over. */
export type MachineEvent =
  /** The guest switched itself off; `status` is the process exit status 0..255 it asked for. */
  | { readonly kind: 'power-off'; readonly status: number; readonly cause: string }
  | { readonly kind: 'reset'; readonly cause: string };

export type RaiseEvent = (event: MachineEvent) => void;

/** Number at `key` of a saved state; throws when the state is not what this device saved. */
export function savedNumber(state: DeviceState, key: string): number {
  const value = state[key];
  if (typeof value !== 'number') throw new TypeError(`A saved device state has no number "${key}".`);
  return value;
}
