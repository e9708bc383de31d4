/** A guest in long mode that goes to CPL 3 at once. */
import type { Mechanism } from '../../../src/breakpoints/planner.js';
import { GuestUnderDebug, openToUser } from './guest-under-debug.js';

const GDT = 0x18_0000;
const GDT_POINTER = 0x17_fff0;
/** Offset of the first instruction at CPL 3. */
export const USER = 26;

const ENTRY = [
  0x0f, 0x01, 0x14, 0x25, 0xf0, 0xff, 0x17, 0x00, // lgdt [GDT_POINTER]
  0x6a, 0x0b, 0x68, 0x00, 0x00, 0x19, 0x00, // push SS; push RSP
  0x6a, 0x02, 0x6a, 0x13, 0x68, USER, 0x00, 0x10, 0x00, // push RFLAGS; push CS; push RIP
  0x48, 0xcf, // iretq
];
const USER_DESCRIPTORS = [
  0, 0, 0, 0, 0, 0, 0, 0,
  0xff, 0xff, 0, 0, 0, 0xf3, 0xcf, 0, // 0x08: data, DPL 3
  0xff, 0xff, 0, 0, 0, 0xfb, 0xaf, 0, // 0x10: 64-bit code, DPL 3
];

/** `code` runs at CPL 3, with the first 2 MiB open to it; its first instruction is at offset USER. */
export function userModeGuest(code: readonly number[], only?: readonly Mechanism[]): GuestUnderDebug {
  const guest = new GuestUnderDebug('long', [...ENTRY, ...code], undefined, only);
  guest.poke(GDT, USER_DESCRIPTORS);
  guest.poke(GDT_POINTER, [USER_DESCRIPTORS.length - 1, 0, ...[0, 8, 16, 24].map((shift) => (GDT >> shift) & 0xff), 0, 0, 0, 0]);
  openToUser(guest);
  return guest;
}

