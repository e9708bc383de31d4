/**
 * An ELF executable that follows no boot protocol, started at its entry point: ELF32 in flat protected mode, ELF64 in
 * long mode with the first 4 GiB mapped to themselves and each segment mapped where it was linked.
 */
import { GuestError, hex, type BootOptions, type LoadedGuest } from './boot-options.js';
import { longMode, protectedMode } from './cpu-modes.js';
import { describeSegments, loadSegments, parseElf, physicalEntry, type ElfFile } from './elf.js';
import { isaProperties } from './elf-isa.js';
import { placeGdt, placePageTables, placeStack } from './furniture.js';
import { identityMap, type PageTables } from './page-tables.js';
import { Placement } from './placement.js';

const IDENTITY_END = 0x1_0000_0000n;

/**
 * Starts an ELF file at its entry point: ELF64 in long mode, ELF32 in flat protected mode. Throws GuestError when a
 * segment or the entry cannot be placed or mapped.
 */
export function loadElfEntry(file: Uint8Array, options: BootOptions): LoadedGuest {
  const elf = parseElf(file, options.name);
  const placement = new Placement(options.ram);
  const writes = loadSegments(file, elf, options, placement);
  const notes = [describeSegments(elf)];
  const stack = placeStack(placement, notes);
  const gdt = placeGdt(placement, elf.bits, notes);
  writes.push(gdt.write);
  const isa = isaProperties(elf);
  const common = { kind: 'elf' as const, writes, notes, ...(isa !== undefined && { isa }), ...(options.path !== undefined && { executable: options.path }) };

  if (elf.bits === 32) {
    // Without paging linear is physical, so a kernel linked high must be entered where it was loaded.
    const entry = physicalEntry(elf, elf.entry);
    return { ...common, entry, cpu: protectedMode(entry, gdt.address, { rsp: stack }) };
  }
  const tables = identityMap();
  mapSegments(tables, elf, options.name);
  requireMapped(elf, options.name);
  const placed = placePageTables(placement, tables, notes);
  writes.push(placed.write);
  return { ...common, entry: elf.entry, cpu: longMode(elf.entry, gdt.address, placed.address, { rsp: stack }) };
}

function mapSegments(tables: PageTables, elf: ElfFile, name: string): void {
  elf.segments.forEach(({ virtual, physical, memorySize }, i) => {
    if (virtual === physical && virtual + BigInt(memorySize) <= IDENTITY_END) return;
    if (!isCanonical(virtual) || !isCanonical(virtual + BigInt(memorySize) - 1n)) {
      throw new GuestError(`Segment ${i} of ${name} is linked at ${hex(virtual)}, which is not a canonical address of 48 bits.`);
    }
    if ((virtual & 0xfffn) !== (physical & 0xfffn)) {
      throw new GuestError(`Segment ${i} of ${name} is linked at ${hex(virtual)} and loaded at ${hex(physical)}, which lie differently within their 4 KiB pages; align it in the linker script.`);
    }
    tables.map(virtual, Number(physical), memorySize);
  });
}

function requireMapped(elf: ElfFile, name: string): void {
  // Kernels of the higher half often name their entry by its physical address.
  const isIn = (start: bigint, length: number): boolean => elf.entry >= start && elf.entry < start + BigInt(length);
  if (!elf.segments.some(({ virtual, physical, memorySize }) => isIn(virtual, memorySize) || isIn(physical, memorySize))) {
    throw new GuestError(`The entry point ${hex(elf.entry)} of ${name} is in none of its segments; set ENTRY in the linker script.`);
  }
}

function isCanonical(address: bigint): boolean {
  return BigInt.asUintN(64, BigInt.asIntN(48, address)) === address;
}
