/** A guest that maps a linear address to another page while it runs: every mechanism still finds what is there later. */
import test from 'tape';
import type { Mechanism } from '../../../src/breakpoints/planner.js';
import { inEveryMode } from '../../../src/breakpoints/capabilities.js';
import { TIME_SCALE } from '../../time-scale.js';
import { GuestUnderDebug, hostCapabilities } from './guest-under-debug.js';

const le = (value: number, size: number): number[] => Array.from({ length: size }, (_, i) => (value >>> (8 * i)) & 0xff);
/** In the second 2 MiB, which the guest maps to the first: there it is the guest's own code again. */
const ALIAS = 0x30_0000;
/** Each leaves the guest, so that so many take 20 ms and more: long enough for a look at the guest's mappings. */
const PORT_READS = TIME_SCALE > 1 ? 400 : 4000;
const MASK = 0xf_ffff_ffff_f000n;

/** So many where each is stepped: as long, and not longer. */
const STEPPED_READS = PORT_READS / 10;

/** Changes the page directory's second entry, waits, goes on at the alias of its `target`, and halts. */
function program(directory: number, reads: number): { code: number[]; target: number } {
  const start = [
    0xc7, 0x04, 0x25, ...le(directory + 8, 4), ...le(0x83, 4), // mov dword [PDE 1], present, writable, 2 MiB, frame 0
    0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8, //                        mov rax, cr3; mov cr3, rax
    0xb9, ...le(reads, 4), 0xe4, 0x80, 0xff, 0xc9, 0x75, 0xfa, // mov ecx, reads;  1: in al, 80h; dec ecx; jnz 1b
  ];
  const jump = [0xb8, ...le(ALIAS + start.length + 7, 4), 0xff, 0xe0]; // mov eax, alias of target; jmp rax
  return { code: [...start, ...jump, 0x90, 0x90, 0xf4], target: start.length + jump.length };
}

function pageDirectory(guest: GuestUnderDebug): number {
  const entry = (table: bigint): bigint => (guest.machine.memory.read64(table) as bigint) & MASK;
  return Number(entry(entry(guest.read('cr3') & MASK)));
}

const mechanisms: readonly Mechanism[][] = [['patch'], ['patch', 'read-only'], ['debug-register'], ['step']];

for (const only of mechanisms) {
  test(`a breakpoint at an address that is mapped anew: ${only.join()}`, async (t) => {
    if (only.includes('debug-register') && !inEveryMode(hostCapabilities(), 'debugExecute')) {
      t.skip('this host has no execution breakpoints in debug registers');
      return;
    }
    const look = new GuestUnderDebug('long', [0xf4]);
    const { code, target } = program(pageDirectory(look), only.includes('step') ? STEPPED_READS : PORT_READS);
    look.close();
    const guest = new GuestUnderDebug('long', code, undefined, only);
    const address = BigInt(ALIAS + target);
    guest.target.breakpoints.insert({ kind: 'software', address, length: 1 });
    const stop = await guest.continue();
    t.deepEqual(stop.reason, { kind: 'breakpoint', breakpoint: 'software', address }, stop.text);
    t.equal(guest.console.filter((line) => /mapped .* to another page or written over/.test(line)).length, only.includes('patch') ? 1 : 0, 'what may have been missed is said');
    t.deepEqual(guest.bytes(0x10_0000 + target, 1), [0x90], 'no patch is left');
    guest.close();
  });
}

const ways: readonly (readonly Mechanism[] | undefined)[] = [undefined, ['debug-register'], ['patch', 'step'], ['step']];
for (const only of ways) {
  for (const count of [1, 6]) {
    test(`${count} breakpoints in a page that is not mapped yet, ${only?.join() ?? 'as planned'}`, async (t) => {
      const registersSuffice = inEveryMode(hostCapabilities(), 'debugExecute') && count <= 4;
      if (only?.includes('debug-register') === true && !registersSuffice) {
        t.pass('the debug registers do not suffice');
        return;
      }
      const look = new GuestUnderDebug('long', [0xf4]);
      const directory = pageDirectory(look);
      look.close();
      const { code, target } = program(directory, STEPPED_READS);
      const guest = new GuestUnderDebug('long', [...code.slice(0, -1), ...new Array<number>(count).fill(0x90), 0xf4], undefined, only);
      guest.poke(directory + 8, [0, 0, 0, 0]);
      const addresses = Array.from({ length: count }, (_, i) => BigInt(ALIAS + target + i));
      for (const address of addresses) guest.target.breakpoints.insert({ kind: 'software', address, length: 1 });
      for (const address of addresses) {
        const stop = await guest.continue();
        t.deepEqual(stop.reason, { kind: 'breakpoint', breakpoint: 'software', address }, stop.text);
        guest.target.breakpoints.remove({ kind: 'software', address, length: 1 });
        await guest.step();
        // A step onto the next one is no stop at it: go on from the instruction before.
        guest.write('rip', guest.pc - 1n);
      }
      guest.close();
    });
  }
}

test('a patch that the guest writes over in its stack\'s page is planted again, and the server says so', async (t) => {
  // mov sp, 7c00h: the stack is in the code's page. Copies a NOP over the place of the breakpoint, waits, runs it.
  const place = 0x7c40;
  const code = [
    0xbc, 0x00, 0x7c, 0xc6, 0x06, place & 0xff, place >> 8, 0x90, 0xb9, ...le(PORT_READS, 2), 0xe4, 0x80, 0x49, 0x75, 0xfb, 0xe9, 0, 0,
  ];
  code.splice(-2, 2, ...le(place - 0x7c00 - code.length, 2));
  const guest = new GuestUnderDebug('real', code, undefined, ['patch', 'read-only']);
  guest.write('rsp', 0x7c00n);
  guest.break(place - 0x7c00);
  const stop = await guest.continue();
  t.deepEqual(stop.reason, { kind: 'breakpoint', breakpoint: 'software', address: BigInt(place) }, stop.text);
  t.ok(guest.console.some((line) => /written over the patch/.test(line)));
  t.deepEqual(guest.bytes(place, 1), [0x90], "the guest's own byte");
  guest.close();
});
