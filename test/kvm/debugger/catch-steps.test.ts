/** `monitor catch` for what KVM has no exit for: CPUID and changes of the CPU mode, found by stepping. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'tape';
import { GUESTS_FOLDER } from '../../gdb/support/gdb-session.js';
import { catchGuest, monitor } from './catch-guest.js';
import { GuestUnderDebug, type TestMode } from './guest-under-debug.js';

const NOP = 0x90;
const MODES: readonly TestMode[] = ['real', 'protected', 'long'];
const text = (stop: { readonly text?: string }): string => stop.text ?? '';

test('catch cpuid: behind it, with leaf and result', async (t) => {
  for (const mode of MODES) {
    // xor eax,eax; xor ecx,ecx; cpuid; nop
    const guest = new GuestUnderDebug(mode, [0x31, 0xc0, 0x31, 0xc9, 0x0f, 0xa2, NOP, NOP]);
    t.match(monitor(guest, 'catch cpuid'), /^Catchpoint 1: cpuid\nKVM has no exit for it, so the guest is stepped/);
    const stop = await guest.continue();
    t.deepEqual(stop.reason, { kind: 'step' });
    t.match(text(stop), new RegExp(`^cpu0: CPUID at 0x${(guest.start + 4n).toString(16)} \\(\\w+\\), leaf 0x0, subleaf 0x0: eax 0x[0-9a-f]+, ebx 0x${guest.read('rbx').toString(16)},`));
    t.equal(guest.offset, 6, mode);
    guest.write('rip', guest.start);
    t.match(text(await guest.stepRange(guest.start, guest.start + 8n)), /^cpu0: CPUID at/, 'in a range step');
    t.equal(guest.offset, 6);
    guest.break(7);
    t.equal((await guest.continue()).reason.kind, 'breakpoint', 'breakpoints stop as ever');
    t.match(monitor(guest, 'info catch'), /^1: cpuid, 2 stops\n$/);
    guest.close();
  }
});

test('catch mode-switch: real, protected and long mode in one run', async (t) => {
  const image = readFileSync(join(GUESTS_FOLDER, 'build/modes.img'));
  const guest = new GuestUnderDebug('real', [...image]);
  monitor(guest, 'catch mode-switch');
  const seen: string[] = [];
  for (let i = 0; i < 4; i++) {
    const sentence = /^cpu0: from (\w+) to (\w+) by (\w+) at 0x[0-9a-f]+ \(\w+\); the next instruction is at 0x[0-9a-f]+ \(\w+\)\.$/.exec(text(await guest.continue()));
    seen.push(sentence === null ? '?' : `${sentence[1]}-${sentence[2]} ${sentence[3]}`);
    if (sentence?.[2] === 'long64') break;
  }
  t.deepEqual(seen, ['real16-protected16 MOV', 'protected16-protected32 JMP', 'protected32-compat32 MOV', 'compat32-long64 JMP']);
  guest.close();
});

test('catch cpuid and an exception: a stepped guest stops at the handler too', async (t) => {
  for (const mode of MODES) {
    const guest = catchGuest(mode, [NOP, 0x0f, 0x0b]);
    monitor(guest, 'catch cpuid');
    monitor(guest, 'catch exception all');
    t.match(text(await guest.continue()), /^cpu0: #UD/, mode);
    guest.close();
  }
});
