/**
 * The ACPI tables of a machine, not yet anywhere: one block of tables and the RSDP, whose pointers are offsets until
 * somebody places them, which is us (`firmware-tables.ts`) or firmware by its linker script (`table-loader.ts`).
 */
import { dsdt } from './dsdt.js';
import { checksum, le } from './encode.js';
import { FADT_POINTERS, facs, fadt } from './fadt.js';
import { madt } from './madt.js';
import { CHECKSUM_OFFSET, HEADER_SIZE, RSDP, rootPointer, systemTable } from './system-table.js';

/** FACS wants to lie at a multiple of it, and it is the first. */
export const TABLES_ALIGNMENT = 64;

/** A field of `size` bytes at `at` that holds the address of a table: `target` is its offset in the block of tables. */
export interface TablePointer {
  readonly at: number;
  readonly size: 4 | 8;
  readonly target: number;
}

/** A byte that makes the sum over `length` bytes from `start` 0. */
export interface TableChecksum {
  readonly at: number;
  readonly start: number;
  readonly length: number;
}

/** Bytes with their pointers as offsets in the block of tables, and without checksums. */
export interface RelocatableTables {
  readonly bytes: Uint8Array;
  readonly pointers: readonly TablePointer[];
  /** In the order in which they are to be made. */
  readonly checksums: readonly TableChecksum[];
}

export interface AcpiTables {
  readonly rsdp: RelocatableTables;
  readonly tables: RelocatableTables;
}

export interface AcpiBoard {
  readonly cpus: number;
  readonly pci: boolean;
}

/** FACS, DSDT, FADT, MADT, RSDT, XSDT and the RSDP. */
export function acpiTables({ cpus, pci }: AcpiBoard): AcpiTables {
  const parts: Uint8Array[] = [];
  const pointers: TablePointer[] = [];
  const checksums: TableChecksum[] = [];
  let size = 0;
  const add = (table: Uint8Array, fields: readonly TablePointer[] = []): number => {
    const at = size;
    const padded = new Uint8Array(Math.ceil(table.length / 16) * 16);
    padded.set(table);
    parts.push(padded);
    size += padded.length;
    for (const field of fields) pointers.push({ ...field, at: at + field.at });
    if (table !== control) checksums.push({ at: at + CHECKSUM_OFFSET, start: at, length: table.length });
    return at;
  };
  const control = facs();
  const facsAt = add(control);
  const dsdtAt = add(dsdt(cpus, pci));
  const described = [
    add(fadt(), [
      { at: FADT_POINTERS.facs, size: 4, target: facsAt }, { at: FADT_POINTERS.dsdt, size: 4, target: dsdtAt },
      { at: FADT_POINTERS.facs64, size: 8, target: facsAt }, { at: FADT_POINTERS.dsdt64, size: 8, target: dsdtAt },
    ]),
    add(madt(cpus)),
  ];
  const root = (signature: string, pointerSize: 4 | 8): number => add(
    systemTable(signature, 1, new Array<number>(described.length * pointerSize).fill(0)),
    described.map((target, i) => ({ at: HEADER_SIZE + i * pointerSize, size: pointerSize, target })),
  );
  const rsdtAt = root('RSDT', 4);
  const xsdtAt = root('XSDT', 8);
  return {
    tables: relocatable(Uint8Array.from(parts.flatMap((part) => [...part])), pointers, checksums),
    rsdp: relocatable(rootPointer(), [{ at: RSDP.rsdt, size: 4, target: rsdtAt }, { at: RSDP.xsdt, size: 8, target: xsdtAt }], [
      { at: RSDP.checksum, start: 0, length: RSDP.oldSize },
      { at: RSDP.extendedChecksum, start: 0, length: RSDP.size },
    ]),
  };
}

function relocatable(bytes: Uint8Array, pointers: readonly TablePointer[], checksums: readonly TableChecksum[]): RelocatableTables {
  for (const { at, size, target } of pointers) bytes.set(le(target, size), at);
  return { bytes, pointers, checksums };
}

/** The bytes with the block of tables at `base`, and their checksums. */
export function placeTables({ bytes, pointers, checksums }: RelocatableTables, base: number): Uint8Array {
  const placed = bytes.slice();
  for (const { at, size, target } of pointers) placed.set(le(base + target, size), at);
  for (const { at, start, length } of checksums) {
    placed[at] = 0;
    placed[at] = checksum(placed.subarray(start, start + length));
  }
  return placed;
}
