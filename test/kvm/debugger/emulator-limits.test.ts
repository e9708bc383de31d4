/**
 * What a software KVM's instruction emulator lacks: a stop at the instruction with its bytes, its kind and where to look. A
 * host that runs it goes on to the HLT behind it, or into the guest's missing handler.
 */
import test from 'tape';
import { native } from '../../../src/vmm/native.js';
import { GuestUnderDebug, type TestMode } from './guest-under-debug.js';

/** mov %cr4,%eax; or $0x200,%eax; mov %eax,%cr4: OSFXSR, without which SSE is #UD everywhere. */
const ALLOW_SSE = [0x0f, 0x20, 0xe0, 0x0d, 0, 2, 0, 0, 0x0f, 0x22, 0xe0];
/** The same for bit 18, OSXSAVE, without which XGETBV and AVX are #UD. */
const ALLOW_XSAVE = [0x0f, 0x20, 0xe0, 0x0d, 0, 0, 4, 0, 0x0f, 0x22, 0xe0];
/** out %al, $0xf4 ends the guest. */
const END = [0xe6, 0xf4];

interface Row {
  readonly name: string;
  readonly mode: TestMode;
  readonly before?: readonly number[];
  readonly code: readonly number[];
  readonly kind: string;
  /** On a host that runs it: to the end (the default); into the empty interrupt table; or as one or the other, by what the processor has. */
  readonly runs?: 'to a handler' | 'if the processor has it';
}

const ROWS: readonly Row[] = [
  { name: 'x87 arithmetic', mode: 'protected', code: [0xd9, 0xe8], kind: 'x87' },
  { name: 'FWAIT', mode: 'protected', code: [0x9b], kind: 'x87 (FWAIT)' },
  { name: 'SSE arithmetic', mode: 'protected', before: ALLOW_SSE, code: [0x0f, 0x58, 0xc1], kind: 'SSE' },
  { name: 'POPCNT, long mode', mode: 'long', code: [0xf3, 0x0f, 0xb8, 0xc0], kind: 'POPCNT' },
  { name: 'CRC32', mode: 'protected', code: [0xf2, 0x0f, 0x38, 0xf1, 0xc0], kind: 'CRC32' },
  { name: 'XGETBV', mode: 'protected', before: [...ALLOW_XSAVE, 0x31, 0xc9], code: [0x0f, 0x01, 0xd0], kind: 'XGETBV or XSETBV' },
  { name: 'AVX', mode: 'protected', before: ALLOW_XSAVE, code: [0xc5, 0xf8, 0x58, 0xc1], kind: 'AVX', runs: 'if the processor has it' },
  { name: 'RDRAND', mode: 'protected', code: [0x0f, 0xc7, 0xf0], kind: 'RDRAND, RDSEED or RDPID', runs: 'if the processor has it' },
  { name: 'RDTSCP', mode: 'protected', code: [0x0f, 0x01, 0xf9], kind: 'RDTSCP', runs: 'if the processor has it' },
  // push flags, CS and the address behind.
  { name: 'IRET, 32-bit', mode: 'protected', before: [0x9c, 0x0e, 0x68, 8, 0, 0x10, 0], code: [0xcf], kind: 'IRET in 32-bit protected mode' },
  { name: 'INT n, protected mode', mode: 'protected', code: [0xcd, 0x20], kind: 'INT n in protected or long mode', runs: 'to a handler' },
  { name: 'INT n, long mode', mode: 'long', code: [0xcd, 0x20], kind: 'INT n in protected or long mode', runs: 'to a handler' },
];

/** XCR0 with x87, SSE and AVX, where the processor has them. */
function allowAvx(guest: GuestUnderDebug): void {
  try {
    guest.machine.vcpus[0].xcr0 = 7n;
  } catch {
    // Then AVX is #UD.
  }
}

const hexOf = (bytes: readonly number[]): string => bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');

for (const { name, mode, before = [], code, kind, runs } of ROWS) {
  test(`emulator limits: ${name}`, async (t) => {
    const guest = new GuestUnderDebug(mode, [...before, ...code, ...END]);
    try {
      if (kind === 'AVX') allowAvx(guest);
      const stop = await guest.continue();
      if (stop.reason.kind !== 'fault' || stop.reason.signal !== 'SIGILL') {
        const ended = stop.reason.kind === 'exited' ? 'to its end' : /^Triple fault/.test(stop.text ?? '') ? 'to a handler' : stop.reason.kind;
        if (runs === 'if the processor has it' && ended === 'to a handler') t.pass('not an instruction of this processor');
        else t.equal(ended, runs === 'to a handler' ? runs : 'to its end', `this host runs it: ${stop.text ?? ''}`);
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

test('emulator limits: a store of the x87 to a device is emulated on every host, and none can: a stop at it that one can go on from', async (t) => {
  // nop; fstp dword [d0000000]; nop
  const fstp = [0xd9, 0x1d, 0, 0, 0, 0xd0];
  const guest = new GuestUnderDebug('protected', [0x90, ...fstp, 0x90, ...END]);
  for (const resume of [() => guest.continue(), () => guest.continue(), () => guest.step()]) {
    const stop = await resume();
    t.deepEqual(stop.reason, { kind: 'fault', signal: 'SIGILL' }, stop.text);
    t.ok(stop.text?.includes(`the instruction (${hexOf(fstp)} `), stop.text);
    t.equal(guest.offset, 1, 'at the instruction');
  }
  guest.write('rip', guest.start + 1n + BigInt(fstp.length));
  t.equal((await guest.step()).reason.kind, 'step', 'behind it nothing is pending');
  t.equal(guest.offset, 2 + fstp.length);
  t.equal((await guest.continue()).reason.kind, 'exited');
  guest.close();
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
