/** The header that every ACPI table but RSDP and FACS begins with (ACPI 6.5, 5.2.6). */
import { ascii, le } from './encode.js';

export const HEADER_SIZE = 36;
/** Where the checksum of the whole table is. */
export const CHECKSUM_OFFSET = 9;
const OEM_ID = 'KVMGDB', OEM_TABLE_ID = 'KVMGDBSV', CREATOR = 'KGDB';

/** A table with its length and without its checksum, which comes when its pointers are known. */
export function systemTable(signature: string, revision: number, body: readonly number[]): Uint8Array {
  return Uint8Array.from([
    ...ascii(signature, 4), ...le(HEADER_SIZE + body.length, 4), revision, 0,
    ...ascii(OEM_ID, 6), ...ascii(OEM_TABLE_ID, 8), ...le(1, 4), ...ascii(CREATOR, 4), ...le(1, 4),
    ...body,
  ]);
}

/** RSDP, revision 2, without addresses and checksums (5.2.5.3). */
export function rootPointer(): Uint8Array {
  const bytes = new Uint8Array(RSDP.size);
  bytes.set(ascii('RSD PTR '));
  bytes.set(ascii(OEM_ID, 6), 9);
  bytes[15] = 2;
  bytes[20] = RSDP.size;
  return bytes;
}

/** Offsets in RSDP; `oldSize` is what the first checksum is of. */
export const RSDP = { size: 36, oldSize: 20, checksum: 8, rsdt: 16, xsdt: 24, extendedChecksum: 32 } as const;
