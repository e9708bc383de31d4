/**
 * QEMU's firmware configuration device (QEMU docs/specs/fw_cfg.rst), by which firmware learns about its machine. Port
 * 0x510 is offset 0: a 16-bit write selects an item, byte reads of 0x511 give it byte by byte, and the DMA address at 0x514
 * (64 bits, big endian, the low half starts it) points at a descriptor in guest memory. Items are read-only.
 */
import type { BusMasterMemory } from '../bus-master.js';
import { fwCfgFileSelector } from './fw-cfg-items.js';
import { savedNumber, type AccessSize, type DeviceState, type PortDevice } from '../device.js';

const SELECTOR = 0, DATA = 1, DMA_HIGH = 4, DMA_LOW = 8;
/** Ports from 0x510 on. */
export const FW_CFG_PORTS = 12;
/** What the DMA address reads as: "QEMU CFG". */
const DMA_SIGNATURE_HIGH = 0x5145_4d55, DMA_SIGNATURE_LOW = 0x2043_4647;
/** Bits of a descriptor's control word. */
const DMA_ERROR = 0x01, DMA_READ = 0x02, DMA_SKIP = 0x04, DMA_SELECT = 0x08, DMA_WRITE = 0x10;
const DESCRIPTOR_SIZE = 16;
/** What is read past an item's end, in pieces of this length. */
const ZEROS = new Uint8Array(0x1_0000);

export class FwCfg implements PortDevice {
  readonly portWidth = 4 as const;
  readonly name = 'fw_cfg';
  readonly #items: ReadonlyMap<number, Uint8Array>;
  readonly #memory: BusMasterMemory;
  #selected = 0;
  #offset = 0;
  #dmaHigh = 0;

  /** Items by selector (`fwCfgItems`). */
  constructor(items: ReadonlyMap<number, Uint8Array>, memory: BusMasterMemory) {
    this.#items = items;
    this.#memory = memory;
  }

  /** What firmware finds in the file `name`; undefined when there is none. */
  file(name: string): Uint8Array | undefined {
    const selector = fwCfgFileSelector(this.#items, name);
    return selector === undefined ? undefined : this.#items.get(selector);
  }

  readPort(offset: number, size: AccessSize): number {
    if (size === 1 && offset === DATA) return this.#next();
    if (size === 4 && offset === DMA_HIGH) return swap32(DMA_SIGNATURE_HIGH);
    if (size === 4 && offset === DMA_LOW) return swap32(DMA_SIGNATURE_LOW);
    return 0;
  }

  writePort(offset: number, size: AccessSize, value: number): void {
    if (size === 2 && offset === SELECTOR) this.#select(value);
    else if (size === 4 && offset === DMA_HIGH) this.#dmaHigh = swap32(value);
    else if (size === 4 && offset === DMA_LOW) {
      const high = this.#dmaHigh;
      this.#dmaHigh = 0;
      this.#transfer((BigInt(high) << 32n) | BigInt(swap32(value)));
    }
  }

  #select(selector: number): void {
    // Bit 14 asks for write access, which no item has.
    this.#selected = selector & 0xbfff;
    this.#offset = 0;
  }

  /** The item's next byte; zero past its end. */
  #next(): number {
    return this.#items.get(this.#selected)?.[this.#offset++] ?? 0;
  }

  #transfer(descriptor: bigint): void {
    const bytes = this.#memory.read(descriptor, DESCRIPTOR_SIZE);
    if (bytes.length < DESCRIPTOR_SIZE) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const control = view.getUint32(0);
    if ((control & DMA_SELECT) !== 0) this.#select(control >>> 16);
    const failed = this.#copy(control, view.getUint32(4), view.getBigUint64(8));
    const status = new Uint8Array(4);
    new DataView(status.buffer).setUint32(0, failed ? DMA_ERROR : 0);
    this.#memory.write(descriptor, status);
  }

  /** True when it cannot be done. */
  #copy(control: number, length: number, address: bigint): boolean {
    if ((control & DMA_READ) !== 0) {
      if (length > 0 && !this.#memory.contains(address, length)) return true;
      this.#read(length, address);
    } else if ((control & DMA_WRITE) !== 0) {
      return true;
    } else if ((control & DMA_SKIP) === 0) {
      return false;
    }
    this.#offset += length;
    return false;
  }

  /** The item from the offset on, and zeros past its end, as many as the guest's word says. */
  #read(length: number, address: bigint): void {
    const item = this.#items.get(this.#selected)?.subarray(this.#offset, this.#offset + length) ?? ZEROS.subarray(0, 0);
    this.#memory.write(address, item);
    for (let at = item.length; at < length; at += ZEROS.length) {
      this.#memory.write(address + BigInt(at), ZEROS.subarray(0, length - at));
    }
  }

  reset(): void {
    this.#selected = this.#offset = this.#dmaHigh = 0;
  }

  save(): DeviceState {
    return { selected: this.#selected, offset: this.#offset, dmaHigh: this.#dmaHigh };
  }

  restore(state: DeviceState): void {
    this.#selected = savedNumber(state, 'selected');
    this.#offset = savedNumber(state, 'offset');
    this.#dmaHigh = savedNumber(state, 'dmaHigh');
  }
}

function swap32(value: number): number {
  return (((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
}
