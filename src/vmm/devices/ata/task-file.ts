/**
 * The command block registers that a command takes its arguments from (ATA/ATAPI-6, 7). Each remembers its last two bytes:
 * the 48-bit commands take the older one as the upper half ("previous content").
 */
import type { DeviceState } from '../../device.js';

/** Offsets from the command block's first port. */
export const FEATURES = 1, COUNT = 2, LBA_LOW = 3, LBA_MID = 4, LBA_HIGH = 5, DEVICE = 6;

/** Device register: the address is an LBA; the drive is device 1. */
export const DEVICE_LBA = 0x40, DEVICE_DEV = 0x10;

/** How a command says where: cylinder, head and sector; LBA of 28 bits; LBA of 48 bits. */
export type Addressing = 'chs' | 'lba28' | 'lba48';

export interface Geometry {
  readonly cylinders: number;
  readonly heads: number;
  /** Sectors per track. */
  readonly sectors: number;
}

export class TaskFile {
  readonly #current = new Uint8Array(DEVICE + 1);
  readonly #previous = new Uint8Array(DEVICE + 1);

  write(register: number, value: number): void {
    this.#previous[register] = this.#current[register];
    this.#current[register] = value;
  }

  read(register: number, previous = false): number {
    return (previous && register !== DEVICE ? this.#previous : this.#current)[register];
  }

  /** What devices show after a reset (9.12); the packet devices' differs in the middle of the LBA. */
  setSignature(lbaMid: number, lbaHigh: number): void {
    this.#previous.fill(0);
    this.#current.set([0, 0, 1, 1, lbaMid, lbaHigh, 0]);
  }

  /** Sectors a command asks for; zero means all that the register could count. */
  count(addressing: Addressing): number {
    const count = this.#current[COUNT];
    if (addressing !== 'lba48') return count === 0 ? 0x100 : count;
    const wide = (this.#previous[COUNT] << 8) | count;
    return wide === 0 ? 0x10000 : wide;
  }

  /** How a command that is not one of the 48-bit ones gives its address. */
  get addressing(): Addressing {
    return (this.#current[DEVICE] & DEVICE_LBA) !== 0 ? 'lba28' : 'chs';
  }

  /** The LBA asked for, or undefined for a cylinder, head or sector that `geometry` has not (5.2 of ATA-5 has the formula). */
  address(addressing: Addressing, geometry: Geometry): number | undefined {
    const [, , , low, mid, high, device] = this.#current;
    const low24 = low | (mid << 8) | (high << 16);
    switch (addressing) {
      case 'lba28': return low24 + (device & 0x0f) * 0x1000000;
      case 'lba48': {
        const [, , , low2, mid2, high2] = this.#previous;
        return low24 + (low2 | (mid2 << 8) | (high2 << 16)) * 0x1000000;
      }
      case 'chs': {
        const cylinder = mid | (high << 8);
        const head = device & 0x0f;
        if (low === 0 || low > geometry.sectors || head >= geometry.heads) return undefined;
        return (cylinder * geometry.heads + head) * geometry.sectors + low - 1;
      }
    }
  }

  /** Shows `lba` in the registers, as at the end of a command, with `remaining` sectors not transferred. */
  report(addressing: Addressing, geometry: Geometry, lba: number, remaining: number): void {
    const keep = this.#current[DEVICE] & 0xf0;
    if (addressing === 'chs') {
      const track = Math.floor(lba / geometry.sectors);
      const cylinder = Math.floor(track / geometry.heads);
      this.#current.set([lba % geometry.sectors + 1, cylinder & 0xff, (cylinder >> 8) & 0xff, keep | (track % geometry.heads)], LBA_LOW);
    } else {
      const upper = Math.floor(lba / 0x1000000);
      this.#current.set([lba & 0xff, (lba >>> 8) & 0xff, (lba >>> 16) & 0xff], LBA_LOW);
      if (addressing === 'lba28') this.#current[DEVICE] = keep | (upper & 0x0f);
      else this.#previous.set([upper & 0xff, (upper >> 8) & 0xff, (upper >> 16) & 0xff], LBA_LOW);
    }
    this.#current[COUNT] = remaining & 0xff;
    this.#previous[COUNT] = (remaining >> 8) & 0xff;
  }

  save(): DeviceState {
    return { current: [...this.#current], previous: [...this.#previous] };
  }

  restore(state: DeviceState): void {
    this.#current.set(state['current'] as readonly number[]);
    this.#previous.set(state['previous'] as readonly number[]);
  }
}
