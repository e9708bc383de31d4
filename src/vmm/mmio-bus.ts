/**
 * Memory-mapped devices: ranges of guest-physical addresses that no memory slot covers.
 *
 * An address nobody owns reads as all ones and swallows writes; it is counted by 4 KiB page and logged the first time.
 */
import type { MmioExit } from './exit.js';
import type { MmioDevice } from './device.js';

/** Pages that are counted one by one; a guest that scans its address space must not fill ours. */
const COUNTED_PAGES = 1024;

interface Claim {
  readonly device: MmioDevice;
  readonly base: bigint;
  readonly end: bigint;
}

export interface MmioRange {
  readonly base: bigint;
  readonly length: bigint;
  readonly device: string;
}

export class MmioBus {
  #claims: Claim[] = [];
  readonly #unknown = new Map<bigint, number>();
  readonly #absent = new Set<bigint>();
  #unknownTotal = 0;
  readonly #log: (text: string) => void;

  constructor(log: (text: string) => void = () => undefined) {
    this.#log = log;
  }

  /** Gives `length` bytes from `base` to `device`. Throws RangeError when another device has some of them. */
  claim(device: MmioDevice, base: bigint, length: bigint): void {
    if (base < 0n || length < 1n || base + length > 1n << 64n) {
      throw new RangeError(`${device.name} cannot have 0x${base.toString(16)}+${length}: not a range of addresses.`);
    }
    const clash = this.#claims.find((other) => base < other.end && other.base < base + length);
    if (clash !== undefined) {
      throw new RangeError(`${device.name} cannot have 0x${base.toString(16)}: ${clash.device.name} has 0x${clash.base.toString(16)}.`);
    }
    this.#claims = [...this.#claims, { device, base, end: base + length }].sort((a, b) => (a.base < b.base ? -1 : 1));
  }

  /**
   * Moves `device` to `length` bytes from `base`, as a base address register does; undefined takes it away. Where another
   * device is it stays away, which is logged: the guest chose the address.
   */
  move(device: MmioDevice, base: bigint | undefined, length: bigint): void {
    this.#claims = this.#claims.filter((claim) => claim.device !== device);
    if (base === undefined) return;
    try {
      this.claim(device, base, length);
    } catch (error) {
      this.#log((error as RangeError).message);
    }
  }

  /** A 4 KiB page where guests look for hardware that need not be there: accesses are counted and not worth a sentence. */
  expectAbsent(page: bigint): void {
    this.#absent.add(page);
  }

  /** Who has which addresses, in address order. */
  get ranges(): readonly MmioRange[] {
    return this.#claims.map(({ base, end, device }) => ({ base, length: end - base, device: device.name }));
  }

  /** Accesses to pages nobody owns, by the page's address; at most 1024 pages are told apart. */
  get unknownPages(): ReadonlyMap<bigint, number> {
    return this.#unknown;
  }

  /** All accesses that met no device. */
  get unknownTotal(): number {
    return this.#unknownTotal;
  }

  /** Carries out an MMIO exit. An access that begins in a device and ends outside of it meets no device. */
  serve(exit: MmioExit): void {
    const { address, data, isWrite } = exit;
    const claim = this.#claims.find((c) => address >= c.base && address + BigInt(data.length) <= c.end);
    if (claim === undefined) {
      this.#countUnknown(address, isWrite, data.length);
      if (!isWrite) data.fill(0xff);
    } else if (isWrite) {
      claim.device.writeMmio(Number(address - claim.base), data);
    } else {
      claim.device.readMmio(Number(address - claim.base), data);
    }
  }

  #countUnknown(address: bigint, isWrite: boolean, size: number): void {
    this.#unknownTotal++;
    const page = address & ~0xfffn;
    const seen = this.#unknown.get(page);
    if (seen === undefined && this.#unknown.size >= COUNTED_PAGES) return;
    this.#unknown.set(page, (seen ?? 0) + 1);
    if (seen === undefined && !this.#absent.has(page)) {
      this.#log(`no device or memory at 0x${address.toString(16)} (${isWrite ? 'write' : 'read'}, ${size} bytes); further ones in this page are only counted`);
    }
  }
}
