/** Looks at what a loaded guest would put into memory. */
import type { BootOptions, LoadedGuest } from '../../../../src/vmm/boot/boot-options.js';
import { ramLayout } from '../../../../src/vmm/guest-memory.js';

export const OPTIONS: BootOptions = { name: 'guest', ram: ramLayout(16 * 1024 ** 2) };

/** `length` bytes at a GPA; zero where the guest writes nothing. */
export function bytesAt(guest: LoadedGuest, gpa: number, length: number): Uint8Array {
  const result = new Uint8Array(length);
  for (const { address, bytes } of guest.writes) {
    const start = Number(address);
    for (let i = 0; i < length; i++) {
      if (gpa + i >= start && gpa + i < start + bytes.length) result[i] = bytes[gpa + i - start]!;
    }
  }
  return result;
}

export function word32(guest: LoadedGuest, gpa: number): number {
  return new DataView(bytesAt(guest, gpa, 4).buffer).getUint32(0, true);
}

export function word64(guest: LoadedGuest, gpa: number): bigint {
  return new DataView(bytesAt(guest, gpa, 8).buffer).getBigUint64(0, true);
}

export function stringAt(guest: LoadedGuest, gpa: number): string {
  return new TextDecoder().decode(bytesAt(guest, gpa, 256)).split('\0', 1)[0];
}

/** Walks the guest's 4-level tables, as SDM vol. 3A 4.5 says; undefined where nothing is mapped. */
export function walk(guest: LoadedGuest, linear: bigint): bigint | undefined {
  let table = guest.cpu.sregs.cr3;
  for (const shift of [39n, 30n, 21n, 12n]) {
    const entry = word64(guest, Number(table) + Number((linear >> shift) & 0x1ffn) * 8);
    if ((entry & 1n) === 0n) return undefined;
    const base = entry & 0x000f_ffff_ffff_f000n;
    if (shift === 12n || (entry & 0x80n) !== 0n) return base + (linear & ((1n << shift) - 1n));
    table = base;
  }
  return undefined;
}
