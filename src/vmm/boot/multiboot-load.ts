/**
 * Puts a Multiboot kernel into memory, of either version: as an ELF file, or where the header's address fields say
 * (Multiboot 0.6.96, 3.1.3; Multiboot2 2.0, 3.1.5).
 */
import { GuestError, formatRange, hex, requireRam, type BootOptions, type IsaProperties, type MemoryWrite } from './boot-options.js';
import { describeSegments, loadSegments, parseElf, physicalEntry } from './elf.js';
import { isaProperties } from './elf-isa.js';
import type { Placement } from './placement.js';

/** GPAs. */
export interface MultibootAddresses {
  /** Where the header itself goes. */
  readonly header: number;
  readonly load: number;
  /** 0: the data goes to the end of the file. */
  readonly loadEnd: number;
  /** 0: there is no bss. */
  readonly bssEnd: number;
  readonly entry: number;
}

export interface LoadedKernel {
  readonly writes: readonly MemoryWrite[];
  /** GPA. */
  readonly entry: bigint;
  /** GPA of the lowest byte. */
  readonly base: bigint;
  readonly isa?: IsaProperties;
}

/** Loads an ELF kernel and adds a sentence to `notes`. Throws GuestError. */
export function loadMultibootElf(file: Uint8Array, options: BootOptions, placement: Placement, notes: string[]): LoadedKernel {
  const elf = parseElf(file, options.name);
  const writes = loadSegments(file, elf, options, placement);
  notes.push(`Multiboot: ${describeSegments(elf)}`);
  const isa = isaProperties(elf);
  const base = elf.segments.reduce((lowest, { physical }) => (physical < lowest ? physical : lowest), elf.segments[0].physical);
  return { writes, base, entry: physicalEntry(elf, elf.entry), ...(isa !== undefined && { isa }) };
}

/** Loads what the address fields of the header at `offset` in the file say. Throws GuestError when they do not fit. */
export function loadByAddresses(
  file: Uint8Array, offset: number, addresses: MultibootAddresses, options: BootOptions, placement: Placement, notes: string[],
): LoadedKernel {
  const { header, load, loadEnd, bssEnd, entry } = addresses;
  const fileStart = offset - (header - load);
  const length = loadEnd === 0 ? file.length - fileStart : loadEnd - load;
  if (header < load || fileStart < 0 || length <= 0 || fileStart + length > file.length) {
    throw new GuestError(`The Multiboot address fields of ${options.name} (header ${hex(header)}, load ${hex(load)} to ${hex(loadEnd)}) do not fit its ${file.length} bytes.`);
  }
  if (bssEnd !== 0 && bssEnd < load + length) {
    throw new GuestError(`The Multiboot address fields of ${options.name} end bss at ${hex(bssEnd)}, inside the data that ends at ${hex(load + length)}.`);
  }
  const size = Math.max(length, bssEnd - load);
  requireRam(options.ram, `The Multiboot kernel ${options.name}`, load, size);
  placement.take(options.name, load, size);
  notes.push(`Multiboot: ${length} bytes at ${formatRange(load, size)} by the header's address fields`);
  return { writes: [{ address: BigInt(load), bytes: file.subarray(fileStart, fileStart + length) }], base: BigInt(load), entry: BigInt(entry) };
}
