/** A flat image: bytes that are put at one address and started there, in the CPU mode the user asks for. */
import { GuestError, formatRange, hex, requireRam, type BootOptions, type LoadedGuest } from './boot-options.js';
import { longMode, protectedMode, realMode } from './cpu-modes.js';
import { placeGdt, placePageTables, placeStack } from './furniture.js';
import { identityMap } from './page-tables.js';
import { Placement } from './placement.js';

/** Where a 16-bit image goes unless told otherwise: where a BIOS puts a boot sector. */
const REAL_MODE_LOAD = 0x7c00;
/** Where 32- and 64-bit images go: the first address above the legacy hole. */
const FLAT_LOAD = 0x10_0000;
const REAL_MODE_END = 0x10_fff0;

/** Starts `options.load` bytes as they are, in `options.mode`. Throws GuestError when image or entry is out of reach. */
export function loadFlat(file: Uint8Array, options: BootOptions): LoadedGuest {
  const mode = options.mode ?? 'real';
  const load = options.load ?? (mode === 'real' ? REAL_MODE_LOAD : FLAT_LOAD);
  const entry = options.entry ?? BigInt(load);
  if (!Number.isSafeInteger(load) || load < 0) throw new GuestError(`--load takes an address in RAM, not ${load}.`);
  requireRam(options.ram, `The image ${options.name} (${file.length} bytes)`, load, file.length);
  const notes = [`${file.length} bytes at ${formatRange(load, file.length)}, first instruction at ${hex(entry)} in ${mode} mode`];
  const writes = [{ address: BigInt(load), bytes: file }];

  if (mode === 'real') {
    if (entry < 0n || entry >= BigInt(REAL_MODE_END)) {
      throw new GuestError(`Real mode reaches addresses below ${hex(REAL_MODE_END)}, and the entry is ${hex(entry)}; choose --mode protected or another --entry.`);
    }
    return { kind: 'flat', writes, entry, notes, cpu: realMode(...realModeAddress(Number(entry)), realModeStack(load)) };
  }

  if (entry < 0n || entry > 0xffff_ffffn) {
    throw new GuestError(`The entry ${hex(entry)} is outside the first 4 GiB, which is all that is mapped at the start; choose another --entry.`);
  }
  const placement = new Placement(options.ram);
  placement.take('The image', load, file.length);
  const stack = placeStack(placement, notes);
  const gdt = placeGdt(placement, mode === 'long' ? 64 : 32, notes);
  writes.push(gdt.write);
  if (mode === 'protected') {
    return { kind: 'flat', writes, entry, notes, cpu: protectedMode(entry, gdt.address, { rsp: stack }) };
  }
  const tables = placePageTables(placement, identityMap(), notes);
  writes.push(tables.write);
  return { kind: 'flat', writes, entry, notes, cpu: longMode(entry, gdt.address, tables.address, { rsp: stack }) };
}

/** CS and IP of an address, with CS a multiple of 0x1000 (0x12345 → 1000:2345), so that low images run at CS = 0. */
function realModeAddress(address: number): [cs: number, ip: number] {
  return address >= 0x10_0000 ? [0xffff, address - 0xf_fff0] : [(address >> 4) & 0xf000, address & 0xffff];
}

/** The stack grows down from the image where it can, else from where a boot sector would have it. */
function realModeStack(load: number): number {
  return load >= 0x1000 && load <= 0xffff ? load & ~1 : REAL_MODE_LOAD;
}
