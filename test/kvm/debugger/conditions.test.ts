/** Conditions and commands on real KVM with each mechanism forced: every arrival counts once, and memory shows no patch. */
import test from 'tape';
import type { Mechanism } from '../../../src/breakpoints/planner.js';
import { bytes, printf } from '../../unit/breakpoints/agent/expressions.js';
import { GuestUnderDebug, type TestMode } from './guest-under-debug.js';

const MECHANISMS: readonly (readonly Mechanism[])[] = [['patch'], ['debug-register'], ['step']];
const MODES: readonly TestMode[] = ['real', 'protected', 'long'];

/** inc eax (ff c0 in every mode), then a jump back to it. */
const LOOP = [0xff, 0xc0, 0xeb, 0xfc];
const JUMP = 2;

const register = (guest: GuestUnderDebug, name: string): string => {
  const found = guest.target.description.registers.find((candidate) => candidate.name === name);
  return `26${(found?.regnum ?? 0xffff).toString(16).padStart(4, '0')}`;
};
const constant16 = (value: number): string => `23${value.toString(16).padStart(4, '0')}`;

for (const mechanisms of MECHANISMS) {
  for (const mode of MODES) {
    test(`a condition holds at its arrival and not before: ${mode}, ${mechanisms.join()}`, async (t) => {
      const guest = new GuestUnderDebug(mode, LOOP, undefined, mechanisms);
      const address = guest.start + BigInt(JUMP);
      const rax = register(guest, 'rax');
      for (const [kind, value] of [['software', 300], ['hardware', 555]] as const) {
        // The opcode of the jump itself is read too: no patch is seen.
        const condition = bytes(`${rax} ${constant16(value)} 13 24${address.toString(16).padStart(8, '0')} 17 22eb 13 0f 27`);
        const request = { kind, address, length: 1 } as const;
        guest.target.breakpoints.insert({ ...request, conditions: [bytes('2200 27'), condition] });
        const { reason } = await guest.continue();
        t.deepEqual(reason, { kind: 'breakpoint', breakpoint: kind, address });
        t.equal(guest.read('rax'), BigInt(value));
        guest.target.breakpoints.remove(request);
        await guest.step();
      }
      t.deepEqual(guest.target.wanted.lastRemoved.map(({ arrivals, hits }) => [arrivals, hits]), [[255, 1]]);
      guest.close();
    });
  }

  test(`commands print each arrival once, whenever the guest is interrupted: ${mechanisms.join()}`, async (t) => {
    const guest = new GuestUnderDebug('long', LOOP, undefined, mechanisms);
    const address = guest.start + BigInt(JUMP);
    guest.target.breakpoints.insert({
      kind: 'software', address, length: 1, commands: [bytes(`${register(guest, 'rax')} ${printf('%u\\n', 1)} 27`)],
    });
    let missed = 0;
    // On a busy host the guest may come nowhere before it is interrupted.
    for (let round = 0; round < 25 || (guest.console.length <= 25 && round < 500); round++) {
      const stop = guest.continue();
      await new Promise((resolve) => setTimeout(resolve, round % 3));
      guest.target.interrupt();
      t.equal((await stop).reason.kind, 'interrupt');
      if (guest.pc !== address) continue;
      // As gdb does: it steps off where it stands. What had not arrived yet is not printed.
      if (guest.console.at(-1) !== `${guest.read('rax')}\n`) missed++;
      await guest.step();
    }
    const printed = guest.console.map(Number);
    t.ok(printed.length > 25, `${printed.length} lines, ${missed} stops just before one`);
    t.ok(printed.every((value, i) => i === 0 || value > printed[i - 1]), 'none twice');
    const gaps = printed.slice(1).filter((value, i) => value !== printed[i] + 1).length;
    t.ok(gaps <= missed && printed[0] <= 2, `none left out: ${gaps} gaps`);
    guest.close();
  });
}

/** mov ecx, 50; inc eax; dec ecx; jnz to the inc; nop; jump to itself. */
const COUNTED = [0xb9, 50, 0, 0, 0, 0xff, 0xc0, 0xff, 0xc9, 0x75, 0xfa, 0x90, 0xeb, 0xfe];
const INC = 5;
const NOP = 11;

for (const mode of ['protected', 'long'] as const) {
  test(`a range step goes on over conditions that do not hold, prints, and stops at one that holds: ${mode}`, async (t) => {
    const guest = new GuestUnderDebug(mode, COUNTED);
    guest.write('rax', 0n);
    const request = { kind: 'software', address: guest.start + BigInt(INC), length: 1 } as const;
    const rax = register(guest, 'rax');
    guest.target.breakpoints.insert({ ...request, conditions: [bytes(`${rax} 2214 13 27`)] });
    const end = guest.start + BigInt(NOP);
    t.deepEqual((await guest.stepRange(guest.start, end)).reason, { kind: 'breakpoint', breakpoint: 'software', address: request.address });
    t.equal(guest.read('rax'), 20n);
    guest.target.breakpoints.insert({ ...request, commands: [bytes(`${rax} ${printf('%d ', 1)} 27`)] });
    t.deepEqual((await guest.stepRange(guest.start, end)).reason, { kind: 'step' });
    t.equal(guest.offset, NOP);
    t.equal(guest.read('rax'), 50n);
    t.equal(guest.console.join(''), Array.from({ length: 29 }, (_, i) => `${21 + i} `).join(''));
    t.deepEqual(guest.target.wanted.all.map(({ arrivals, hits }) => [arrivals, hits]), [[50, 30]]);
    guest.close();
  });
}
