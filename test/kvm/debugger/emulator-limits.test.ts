/**
 * What a software KVM's instruction emulator lacks: a stop at the instruction with its bytes, its kind and where to look. A
 * host that runs it goes on to the HLT behind it, or into the guest's missing handler.
 */
import test from 'tape';
import { native } from '../../../src/vmm/native.js';
import { GuestUnderDebug, type TestMode } from './guest-under-debug.js';

/** mov %cr4,%eax; or $0x200,%eax; mov %eax,%cr4: OSFXSR, without which SSE is #UD everywhere. */
const ALLOW_SSE = [0x0f, 0x20, 0xe0, 0x0d, 0, 2, 0, 0, 0x0f, 0x22, 0xe0];
/** out %al, $0xf4 ends the guest. */
const END = [0xe6, 0xf4];

interface Row {
  readonly name: string;
  readonly mode: TestMode;
  readonly before?: readonly number[];
  readonly code: readonly number[];
  readonly kind: string;
}

const ROWS: readonly Row[] = [
  { name: 'x87 arithmetic', mode: 'protected', code: [0xd9, 0xe8], kind: 'x87' },
  { name: 'FWAIT', mode: 'protected', code: [0x9b], kind: 'x87 (FWAIT)' },
  { name: 'SSE arithmetic', mode: 'protected', before: ALLOW_SSE, code: [0x0f, 0x58, 0xc1], kind: 'SSE' },
  { name: 'POPCNT, long mode', mode: 'long', code: [0xf3, 0x0f, 0xb8, 0xc0], kind: 'POPCNT' },
  // push flags, CS and the address behind.
  { name: 'IRET, 32-bit', mode: 'protected', before: [0x9c, 0x0e, 0x68, 8, 0, 0x10, 0], code: [0xcf], kind: 'IRET in 32-bit protected mode' },
  { name: 'INT n, protected mode', mode: 'protected', code: [0xcd, 0x20], kind: 'INT n in protected or long mode' },
  { name: 'INT n, long mode', mode: 'long', code: [0xcd, 0x20], kind: 'INT n in protected or long mode' },
];

const hexOf = (bytes: readonly number[]): string => bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');

for (const { name, mode, before = [], code, kind } of ROWS) {
  test(`emulator limits: ${name}`, async (t) => {
    const guest = new GuestUnderDebug(mode, [...before, ...code, ...END]);
    try {
      const stop = await guest.continue();
      if (stop.reason.kind !== 'fault' || stop.reason.signal !== 'SIGILL') {
        t.comment(`this host runs it: ${stop.text ?? stop.reason.kind}`);
        t.ok(stop.reason.kind === 'exited' || /^Triple fault/.test(stop.text ?? ''), 'to the end, or through the empty interrupt table');
        return;
      }
      t.equal(guest.offset, before.length, 'at the instruction');
      const text = stop.text ?? '';
      t.ok(text.includes(`the instruction (${hexOf(code)} `), text);
      t.ok(text.includes(`: ${kind} is not in KVM's instruction emulator`), 'the kind');
      t.match(text, /host with VMX or SVM .*\(docs\/hosts\.md\)\.$/, 'where it runs, and where to look');
    } finally {
      guest.close();
    }
  });
}

test('emulator limits: MOVAPS and FNINIT run everywhere', async (t) => {
  for (const code of [[...ALLOW_SSE, 0x0f, 0x28, 0xc1], [0xdb, 0xe3]]) {
    const guest = new GuestUnderDebug('protected', [...code, ...END]);
    t.equal((await guest.continue()).reason.kind, 'exited', hexOf(code));
    guest.close();
  }
  t.end();
});

test('emulator limits: a triple fault elsewhere has nothing to do with paging', async (t) => {
  // ud2 without a handler
  const guest = new GuestUnderDebug('protected', [0x0f, 0x0b]);
  const { text } = await guest.continue();
  t.match(text ?? '', /^Triple fault/);
  t.notOk(text?.includes('paging'), text);
  guest.close();
});

test('emulator limits: paging without long mode is switched on, or a stop at the MOV', async (t) => {
  const before = native().liveObjects();
  // mov $0x2000,%eax; mov %eax,%cr3; mov %cr4,%eax; or $0x10,%eax; mov %eax,%cr4 (PSE); mov %cr0,%eax; or $0x80000000,%eax; mov %eax,%cr0
  const setUp = [0xb8, 0, 0x20, 0, 0, 0x0f, 0x22, 0xd8, 0x0f, 0x20, 0xe0, 0x0d, 0x10, 0, 0, 0, 0x0f, 0x22, 0xe0, 0x0f, 0x20, 0xc0, 0x0d, 0, 0, 0, 0x80];
  const guest = new GuestUnderDebug('protected', [...setUp, 0x0f, 0x22, 0xc0, ...END]);
  // The first 4 MiB to themselves, in one page.
  guest.poke(0x2000, [0x83, 0, 0, 0]);
  const stop = await guest.continue();
  if (stop.reason.kind === 'exited') t.comment('this host pages');
  else {
    t.match(stop.text ?? '', /^Triple fault on cpu0 at 0x10001b /, 'the #GP had no handler');
    t.match(stop.text ?? '', / The instruction there switches paging on outside long mode: a software KVM .* refuses that with a #GP/, 'the cause');
    t.equal(guest.offset, setUp.length);
  }
  guest.close();
  t.deepEqual(native().liveObjects(), before);
});
