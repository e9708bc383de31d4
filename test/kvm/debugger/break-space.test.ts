/** `monitor break-space cr3`: a breakpoint stops in the address space that it was set in, and in no other. */
import test from 'tape';
import { monitor } from './catch-guest.js';
import { GuestUnderDebug } from './guest-under-debug.js';

const OTHER_TABLES = 0x2000;
// 0: nop; inc ecx; mov cr3,rbx; xchg rbx,rax; jmp 0b — a new space each time around
const CODE = [0x90, 0xff, 0xc1, 0x0f, 0x22, 0xdb, 0x48, 0x87, 0xc3, 0xeb, 0xf5];

/** The same memory under two sets of page tables; the guest changes between them. */
function twoSpaces(): { guest: GuestUnderDebug; first: bigint } {
  const guest = new GuestUnderDebug('long', CODE);
  const first = guest.machine.vcpus[0].readSregs().cr3;
  guest.poke(OTHER_TABLES, guest.bytes(Number(first), 4096));
  guest.write('rax', first);
  guest.write('rbx', BigInt(OTHER_TABLES));
  return { guest, first };
}

const round = (guest: GuestUnderDebug): number => Number(guest.read('rcx'));

test('break-space any is the default: it stops in both', async (t) => {
  const { guest } = twoSpaces();
  guest.break(3);
  for (const expected of [1, 2, 3]) {
    t.equal((await guest.continue()).reason.kind, 'breakpoint');
    t.equal(round(guest), expected);
    guest.unbreak(3);
    await guest.step();
    guest.break(3);
  }
  guest.close();
});

test('break-space cr3: every second time, however often gdb sets it anew', async (t) => {
  const { guest, first } = twoSpaces();
  t.equal(monitor(guest, 'break-space'), 'Breakpoints stop in any address space.\n');
  t.match(monitor(guest, 'break-space cr3'), /^A breakpoint stops only where CR3 is what it was/);
  guest.break(3);
  t.match(monitor(guest, 'info breakpoints'), new RegExp(`only where CR3 is 0x${first.toString(16)}\\n`));
  for (const expected of [1, 3, 5]) {
    const stop = await guest.continue();
    t.deepEqual(stop.reason, { kind: 'breakpoint', breakpoint: 'software', address: guest.start + 3n });
    t.equal(round(guest), expected);
    t.equal(guest.machine.vcpus[0].readSregs().cr3, first);
    // As gdb does: out for the stop, off it by a step, into the other space, and in again.
    guest.unbreak(3);
    await guest.step();
    t.equal(guest.machine.vcpus[0].readSregs().cr3, BigInt(OTHER_TABLES));
    guest.break(3);
  }
  t.match(monitor(guest, 'info breakpoints'), /reached 3, hit 3/, 'elsewhere it is not even reached');
  guest.close();
});

test('break-space cr3: deleted and set again it belongs to the new space; any lifts it', async (t) => {
  const { guest } = twoSpaces();
  monitor(guest, 'break-space cr3');
  guest.break(3);
  await guest.continue();
  guest.unbreak(3);
  // To the NOP of the next round, in the other space; the breakpoint at 3 is gone meanwhile.
  await guest.step();
  guest.break(9);
  t.equal((await guest.continue()).reason.kind, 'breakpoint');
  t.equal(guest.offset, 9);
  guest.unbreak(9);
  guest.break(3);
  t.match(monitor(guest, 'info breakpoints'), /only where CR3 is 0x2000\n/);
  for (const expected of [2, 4]) {
    t.equal((await guest.continue()).reason.kind, 'breakpoint');
    t.equal(round(guest), expected);
    guest.unbreak(3);
    await guest.step();
    guest.break(3);
  }
  monitor(guest, 'break-space any');
  t.equal((await guest.continue()).reason.kind, 'breakpoint');
  t.equal(round(guest), 5);
  guest.close();
});

test('break-space cr3: in a range step too', async (t) => {
  const { guest } = twoSpaces();
  monitor(guest, 'break-space cr3');
  guest.break(6);
  await guest.step();
  const stop = await guest.stepRange(guest.start, guest.start + BigInt(CODE.length));
  t.equal(stop.reason.kind, 'breakpoint');
  t.equal(round(guest), 2, 'behind MOV CR3 of the first round the space is another');
  guest.close();
});

test('break-space: wrong words', (t) => {
  const guest = new GuestUnderDebug('real', [0x90]);
  t.match(monitor(guest, 'break-space cr4'), /^Say "monitor break-space cr3"/);
  monitor(guest, 'break-space cr3');
  guest.break(0);
  t.doesNotMatch(monitor(guest, 'info breakpoints'), /CR3/, 'without paging there is no space');
  guest.target.breakpoints.clear();
  t.match(monitor(guest, 'break-space'), /any address space/, 'a new client begins with the default');
  guest.close();
  t.end();
});
