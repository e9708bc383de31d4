/**
 * ACPI and MP tables for a guest that is started without firmware, in the BIOS's segment F000, where kernels look for both
 * (ACPI 6.5, 5.2.5.1; MultiProcessor Specification 1.4, 4) and which every memory map has as reserved. The upper half of
 * the segment is the built-in BIOS's.
 */
import type { MemoryWrite } from '../boot/boot-options.js';
import { acpiTables, placeTables, TABLES_ALIGNMENT, type AcpiBoard } from './acpi-tables.js';
import { mpTable } from './mp-table.js';

const RSDP_ADDRESS = 0xf_0000;
const TABLES_ADDRESS = RSDP_ADDRESS + TABLES_ALIGNMENT;
const END = 0xf_8000;

/** Bytes for memory in the order of their addresses, the RSDP first. Throws RangeError when they do not fit. */
export function firmwareTables(board: AcpiBoard): readonly [rsdp: MemoryWrite, ...rest: MemoryWrite[]] {
  const { rsdp, tables } = acpiTables(board);
  const mpAddress = Math.ceil((TABLES_ADDRESS + tables.bytes.length) / 16) * 16;
  const mp = mpTable(board.cpus, mpAddress);
  if (mpAddress + mp.length > END) throw new RangeError('The ACPI and MP tables do not fit below the built-in BIOS.');
  return [
    { address: BigInt(RSDP_ADDRESS), bytes: placeTables(rsdp, TABLES_ADDRESS) },
    { address: BigInt(TABLES_ADDRESS), bytes: placeTables(tables, TABLES_ADDRESS) },
    { address: BigInt(mpAddress), bytes: mp },
  ];
}
