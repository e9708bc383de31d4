/**
 * Snapshots that differ in a page table: what KVM and the processor have derived from the table (shadow pages, TLBs) goes with a
 * load. At CPL 3, for there a software KVM has shadow pages too.
 */
import test from 'tape';
import { monitor } from './catch-guest.js';
import type { GuestUnderDebug } from './guest-under-debug.js';
import { absolute, REGISTER } from './machine-code.js';
import { patience } from '../../time-scale.js';
import { userModeGuest } from './user-mode-guest.js';

/** The second 2 MiB of linear memory lead to themselves, or to the first. */
const SECOND = 0x20_0000;
const PLACE = 0x1000;
const RESULT = 0x1800;
const MAPPED_2_MIB = 0x87;
const FRAME = 0xf_ffff_f000;

const word = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >> shift) & 0xff);

/** Where the page directory's second entry is. */
function secondEntry(guest: GuestUnderDebug): number {
  const next = (table: number): number => Number(guest.machine.memory.read64(BigInt(table))) & FRAME;
  return next(next(Number(guest.read('cr3')) & FRAME)) + 8;
}

/** Runs in slices until the guest has told what it reads. */
async function readsNow(guest: GuestUnderDebug): Promise<number> {
  guest.poke(RESULT, [0]);
  for (const end = Date.now() + patience(5000); guest.bytes(RESULT, 1)[0] === 0 && Date.now() < end;) {
    setTimeout(() => guest.target.interrupt(), 5);
    await guest.continue();
  }
  return guest.bytes(RESULT, 1)[0];
}

test('snapshots with different page tables: after each load the guest reads by those of that snapshot', async (t) => {
  // 1: mov eax, [SECOND + PLACE]; mov [RESULT], eax; jmp 1b
  const loop = [...absolute('long', [0x8b], REGISTER.ax, SECOND + PLACE), ...absolute('long', [0x89], REGISTER.ax, RESULT)];
  const guest = userModeGuest([...loop, 0xeb, 0xfe - loop.length]);
  const entry = secondEntry(guest);
  guest.poke(PLACE, [0x22]);
  guest.poke(SECOND + PLACE, [0x11]);
  guest.poke(entry, word(SECOND | MAPPED_2_MIB));
  t.equal(await readsNow(guest), 0x11);
  monitor(guest, 'snapshot save second');
  guest.poke(entry, word(MAPPED_2_MIB));
  monitor(guest, 'snapshot save first');
  for (const [name, value] of [['second', 0x11], ['first', 0x22], ['second', 0x11]] as const) {
    t.match(monitor(guest, `snapshot load ${name}`), /^Loaded/);
    t.equal(await readsNow(guest), value, name);
  }
  guest.close();
});
