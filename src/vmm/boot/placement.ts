/**
 * Finds room in guest RAM for what a boot loader adds (page tables, a GDT, boot information, modules) where nothing
 * of the guest lies.
 */
import type { MemoryRegion } from '../guest-memory.js';
import { GuestError, describeRam, formatRange, hex, isRam } from './boot-options.js';

/** The conventional memory that firmware leaves free: above the BIOS data area, below the extended one. */
const LOW_START = 0x1000;
const LOW_END = 0x9f000;
const HIGH_START = 0x10_0000;

interface Range {
  readonly start: number;
  readonly end: number;
}

export class Placement {
  readonly #ram: readonly MemoryRegion[];
  readonly #taken: Range[] = [];

  constructor(ram: readonly MemoryRegion[]) {
    this.#ram = ram;
  }

  /** Marks `length` bytes from `address` as the guest's. Throws GuestError when some are taken already. */
  take(what: string, address: number, length: number): void {
    if (length === 0) return;
    const clash = this.#taken.find(({ start, end }) => address < end && start < address + length);
    if (clash !== undefined) {
      throw new GuestError(`${what} at ${formatRange(address, length)} overlaps what is loaded at ${formatRange(clash.start, clash.end - clash.start)}; link the guest so that its segments lie apart.`);
    }
    this.#taken.push({ start: address, end: address + length });
  }

  /** Whether `length` bytes from `address` are RAM that nobody has taken. */
  isFree(address: number, length: number): boolean {
    return isRam(this.#ram, address, length) && !this.#taken.some(({ start, end }) => address < end && start < address + length);
  }

  /** Takes the highest `length` free bytes above 1 MiB that end at or below `limit`, and returns their GPA. */
  placeTop(what: string, length: number, limit: number, alignment = 4096): number {
    const ends = [...this.#highRanges().map(({ end }) => Math.min(end, limit)), ...this.#taken.map(({ start }) => Math.min(start, limit))];
    const address = ends
      .map((end) => Math.floor((end - length) / alignment) * alignment)
      .filter((from) => from >= HIGH_START && this.isFree(from, length))
      .reduce((highest, from) => Math.max(highest, from), -1);
    if (address < 0) {
      const where = limit < 0x1_0000_0000 ? ` below ${hex(limit)}` : '';
      throw new GuestError(`There is no room for ${what} (${length} bytes)${where} in RAM ${describeRam(this.#ram)}; give the guest more with --memory.`);
    }
    this.#taken.push({ start: address, end: address + length });
    return address;
  }

  /** Takes `length` free bytes below 1 MiB, or above it when there is no room, and returns their GPA. */
  placeLow(what: string, length: number, alignment = 4096): number {
    return this.#place(what, length, alignment, [{ start: LOW_START, end: LOW_END }, ...this.#highRanges()]);
  }

  /** Takes `length` free bytes above 1 MiB and below 4 GiB, and returns their GPA. */
  placeHigh(what: string, length: number, alignment = 4096): number {
    return this.#place(what, length, alignment, this.#highRanges());
  }

  #highRanges(): Range[] {
    return this.#ram
      .filter(({ start }) => start < 0x1_0000_0000)
      .map(({ start, size }) => ({ start: Math.max(start, HIGH_START), end: start + size }));
  }

  #place(what: string, length: number, alignment: number, ranges: readonly Range[]): number {
    for (const range of ranges) {
      // The lowest free place begins at the range's start or right behind something that is taken.
      const candidates = [range.start, ...this.#taken.map(({ end }) => end)]
        .map((address) => Math.ceil(address / alignment) * alignment)
        .filter((address) => address >= range.start && address + length <= range.end)
        .sort((a, b) => a - b);
      const address = candidates.find((from) => !this.#taken.some(({ start, end }) => from < end && start < from + length));
      if (address !== undefined) {
        this.#taken.push({ start: address, end: address + length });
        return address;
      }
    }
    throw new GuestError(`There is no room for ${what} (${length} bytes) in RAM ${describeRam(this.#ram)}; give the guest more with --memory.`);
  }
}
