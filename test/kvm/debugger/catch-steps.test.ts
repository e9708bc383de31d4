/** `monitor catch` for what KVM has no exit for: CPUID and changes of the CPU mode, found by stepping. */
import test from 'tape';
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

/** From real to long mode, 64-bit code at offset 0x40; the GDT's pointer is at 7d00, page tables at 9000. */
const TO_LONG_MODE = [
  0x0f, 0x01, 0x16, 0x00, 0x7d, // lgdt [7d00]
  0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0, // CR0.PE
  0xea, 0x12, 0x7c, 0x08, 0x00, // jmp 08:7c12, 32-bit code
  0x0f, 0x20, 0xe0, 0x0c, 0x20, 0x0f, 0x22, 0xe0, // CR4.PAE
  0xb8, 0x00, 0x90, 0x00, 0x00, 0x0f, 0x22, 0xd8, // CR3
  0xb9, 0x80, 0x00, 0x00, 0xc0, 0x0f, 0x32, 0x0f, 0xba, 0xe8, 0x08, 0x0f, 0x30, // EFER.LME
  0x0f, 0x20, 0xc0, 0x0f, 0xba, 0xe8, 0x1f, 0x0f, 0x22, 0xc0, // CR0.PG
  0xea, 0x40, 0x7c, 0x00, 0x00, 0x18, 0x00, // jmp 18:7c40
  NOP, 0xeb, 0xfe,
];
const GDT = [
  0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0x9a, 0xcf, 0, // 08: 32-bit code
  0xff, 0xff, 0, 0, 0, 0x92, 0xcf, 0, 0xff, 0xff, 0, 0, 0, 0x9a, 0xaf, 0, // 10: data, 18: 64-bit code
];

test('catch mode-switch: real, protected and long mode in one run', async (t) => {
  const guest = new GuestUnderDebug('real', TO_LONG_MODE);
  guest.poke(0x7d00, [GDT.length - 1, 0, 0x10, 0x7d, 0, 0]);
  guest.poke(0x7d10, GDT);
  guest.poke(0x9000, [0x03, 0xa0]);
  guest.poke(0xa000, [0x03, 0xb0]);
  guest.poke(0xb000, [0x83]); // the first 2 MiB
  monitor(guest, 'catch mode-switch');
  const seen: string[] = [];
  for (let i = 0; i < 4; i++) {
    const sentence = /^cpu0: from (\w+) to (\w+) by (\w+) at 0x([0-9a-f]+) \(\w+\); the next instruction is at 0x[0-9a-f]+ \(\w+\)\.$/.exec(text(await guest.continue()));
    seen.push(sentence === null ? '?' : `${sentence[1]} ${sentence[2]} ${sentence[3]} ${sentence[4]}`);
  }
  t.deepEqual(seen, ['real16 protected16 MOV 7c0a', 'protected16 protected32 JMP 7c0d', 'protected32 compat32 MOV 7c36', 'compat32 long64 JMP 7c39']);
  t.equal(guest.offset, 0x40);
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
