/**
 * The tables as fw_cfg files, with the linker script by which firmware places them (QEMU, docs/specs/fw_cfg.rst names the
 * files; SeaBIOS and OVMF read the script: entries of 128 bytes, a command and its arguments).
 */
import type { AcpiTables, RelocatableTables } from './acpi-tables.js';
import { TABLES_ALIGNMENT } from './acpi-tables.js';
import { ascii, le } from './encode.js';

const RSDP_FILE = 'etc/acpi/rsdp', TABLES_FILE = 'etc/acpi/tables', SCRIPT_FILE = 'etc/table-loader';
const ENTRY_SIZE = 128;
const FILE_NAME_SIZE = 56;
const ALLOCATE = 1, ADD_POINTER = 2, ADD_CHECKSUM = 3;
/** Zones to allocate in: anywhere below 4 GiB, or where operating systems look for the RSDP. */
const HIGH = 1, F_SEGMENT = 2;
const RSDP_ALIGNMENT = 16;

/** fw_cfg files by name. */
export function acpiFiles({ rsdp, tables }: AcpiTables): ReadonlyMap<string, Uint8Array> {
  return new Map([
    [RSDP_FILE, rsdp.bytes],
    [TABLES_FILE, tables.bytes],
    [SCRIPT_FILE, Uint8Array.from([
      ...allocate(TABLES_FILE, TABLES_ALIGNMENT, HIGH), ...allocate(RSDP_FILE, RSDP_ALIGNMENT, F_SEGMENT),
      ...link(TABLES_FILE, tables), ...link(RSDP_FILE, rsdp),
    ])],
  ]);
}

/** Pointers are relative to the block of tables as they stand in the file, and firmware adds where it lies. */
function link(file: string, { pointers, checksums }: RelocatableTables): number[] {
  return [
    ...pointers.flatMap(({ at, size }) => entry(ADD_POINTER, [...fileName(file), ...fileName(TABLES_FILE), ...le(at, 4), size])),
    ...checksums.flatMap(({ at, start, length }) => entry(ADD_CHECKSUM, [...fileName(file), ...le(at, 4), ...le(start, 4), ...le(length, 4)])),
  ];
}

function allocate(file: string, alignment: number, zone: number): number[] {
  return entry(ALLOCATE, [...fileName(file), ...le(alignment, 4), zone]);
}

function entry(command: number, fields: readonly number[]): number[] {
  return [...le(command, 4), ...fields, ...new Array<number>(ENTRY_SIZE - 4 - fields.length).fill(0)];
}

function fileName(name: string): number[] {
  return ascii(name, FILE_NAME_SIZE, 0);
}
