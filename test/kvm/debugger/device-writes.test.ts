/** What a device brings to code under breakpoints, and what it takes from there: neither knows of a patch. */
import test from 'tape';
import { memoryImage } from '../machine/memory-image.js';
import { executionMechanisms } from './forced.js';
import { GuestUnderDebug } from './guest-under-debug.js';
import { NOP, le } from './machine-code.js';

const SECTOR = 512;
/** Where the second sector is read to. */
const PLACE = 0x7e00;
/** Of the breakpoints there: one more than there are debug registers. */
const OFFSETS = [0, 2, 3, 5, 6];

/** mov ax, command; mov bx, PLACE; mov cx, sector; mov dx, 80; int 13 (one sector, at the disk's beginning). */
const int13 = (command: number, sector: number): number[] => [
  0xb8, 1, command, 0xbb, ...le(PLACE, 2), 0xb9, sector, 0, 0xba, 0x80, 0, 0xcd, 0x13,
];
const READ = 2, WRITE = 3;
const FIRST = [0x31, 0xc0, 0x8e, 0xc0, ...int13(READ, 2), 0xea, ...le(PLACE, 2), 0, 0]; // xor ax, ax; mov es, ax; ...; ljmp
const SECOND = [NOP, NOP, NOP, NOP, NOP, NOP, ...int13(WRITE, 3), NOP, 0xeb, 0xfe];

for (const [how, only] of executionMechanisms()) {
  test(`breakpoints where a disk is read to, ${how}: each is hit, and what is written from there has no patch`, async (t) => {
    const disk = new Uint8Array(8 * SECTOR);
    disk.set(SECOND, SECTOR);
    const guest = new GuestUnderDebug('real', FIRST, undefined, only, { bios: { disks: [memoryImage(disk)] } });
    const end = PLACE + SECOND.length - 3;
    for (const offset of OFFSETS) guest.target.breakpoints.insert({ kind: 'software', address: BigInt(PLACE + offset), length: 1 });
    guest.target.breakpoints.insert({ kind: 'software', address: BigInt(end), length: 1 });
    for (const offset of OFFSETS) {
      const stop = await guest.continue();
      t.equal(stop.reason.kind, 'breakpoint', stop.text);
      t.equal(Number(guest.pc), PLACE + offset);
      t.deepEqual([...guest.bytes(PLACE, SECOND.length)], SECOND, 'memory is what was read');
      await guest.step();
    }
    t.equal((await guest.continue()).reason.kind, 'breakpoint');
    t.equal(Number(guest.pc), end);
    t.deepEqual([...disk.subarray(2 * SECTOR, 2 * SECTOR + SECOND.length)], SECOND, 'the disk has what the guest has');
    t.deepEqual(guest.console, [], 'no word of a breakpoint that was passed');
    guest.close();
  });
}
