/** `monitor catch exception`: the stop is at the handler's first instruction, with a sentence that says what happened. */
import test from 'tape';
import type { Mechanism } from '../../../src/breakpoints/planner.js';
import { catchGuest, handler, monitor, setHandlers } from './catch-guest.js';
import { openToUser, type TestMode } from './guest-under-debug.js';

const NOP = 0x90;
const MODES: readonly TestMode[] = ['real', 'protected', 'long'];
const MODE_NAMES: Readonly<Record<TestMode, string>> = { real: 'real16', protected: 'protected32', long: 'long64' };
/** xor ecx,ecx; div ecx */
const DIVIDE = [0x31, 0xc9, 0xf7, 0xf1];
const UD2 = [0x0f, 0x0b];
/** mov eax,78; mov ds,ax: beyond the GDT */
const BAD_SELECTOR = [0xb8, 0x78, 0, 0, 0, 0x8e, 0xd8];
/** mov [10000000000],al: beyond the first 4 GiB, which are all that is mapped */
const BAD_STORE = [0xa2, 0, 0, 0, 0, 0, 1, 0, 0];

interface Case {
  readonly name: string;
  readonly vector: number;
  readonly code: readonly number[];
  readonly modes: readonly TestMode[];
  /** Offset of the instruction that raises it. */
  readonly raisedAt: number;
  readonly rest: string;
}

const CASES: readonly Case[] = [
  { name: '#DE', vector: 0, code: [NOP, ...DIVIDE], modes: MODES, raisedAt: 3, rest: '' },
  { name: '#UD', vector: 6, code: [NOP, NOP, ...UD2], modes: MODES, raisedAt: 2, rest: '' },
  { name: '#GP', vector: 13, code: BAD_SELECTOR, modes: ['protected', 'long'], raisedAt: 5, rest: ', error code 0x78 (selector 0x78 in the GDT)' },
  {
    name: '#PF', vector: 14, code: [NOP, ...BAD_STORE], modes: ['long'], raisedAt: 1,
    rest: ', error code 0x2 (a write by supervisor code, the page is not mapped), CR2 0x10000000000',
  },
];

for (const { name, vector, code, modes, raisedAt, rest } of CASES) {
  for (const mode of modes) {
    for (const how of ['all', name] as const) {
      test(`catch exception ${how} in ${mode} mode: ${name}`, async (t) => {
        const guest = catchGuest(mode, code);
        t.match(monitor(guest, `catch exception ${how}`), /^Catchpoint 1: exception /);
        const stop = await guest.continue();
        t.deepEqual(stop.reason, { kind: 'step' });
        t.match(stop.text ?? '', new RegExp(`^cpu0: ${name} \\([^)]*\\), raised at 0x`));
        const where = `raised at 0x${(guest.start + BigInt(raisedAt)).toString(16)} (${MODE_NAMES[mode]})${mode === 'real' ? '' : rest}.`;
        t.ok(stop.text?.endsWith(where), `${stop.text} ends with ${where}`);
        t.equal(guest.pc, BigInt(handler(vector)), 'at the first instruction of its handler');
        t.deepEqual(guest.bytes(handler(vector), 2), [NOP, NOP], 'which is as it was');
        t.match(monitor(guest, 'info catch'), /, 1 stop\n$/);
        guest.write('rip', guest.start);
        const again = await guest.continue();
        t.equal(again.text, stop.text, 'once more');
        t.match(monitor(guest, 'info catch'), /, 2 stops\n$/);
        guest.close();
      });
    }
  }
}

test('catch exception: a step into the handler says the same, and the next resume leaves it', async (t) => {
  for (const mode of MODES) {
    const guest = catchGuest(mode, [...DIVIDE, NOP]);
    monitor(guest, 'catch exception 0');
    t.equal((await guest.step()).text, undefined);
    const stop = await guest.step();
    t.match(stop.text ?? '', /^cpu0: #DE \(divide error\), raised at /, mode);
    t.equal(guest.pc, BigInt(handler(0)));
    guest.target.breakpoints.insert({ kind: 'software', address: BigInt(handler(0) + 1), length: 1 });
    t.equal((await guest.continue()).reason.kind, 'breakpoint', 'not the same entry again');
    t.equal(guest.pc, BigInt(handler(0) + 1));
    guest.close();
  }
});

test('catch exception: others, and those that are no longer wanted, do not stop', async (t) => {
  for (const mode of MODES) {
    const guest = catchGuest(mode, [...UD2, NOP]);
    monitor(guest, 'catch exception 0');
    monitor(guest, 'catch exception #UD');
    t.match((await guest.continue()).text ?? '', /^cpu0: #UD/);
    t.equal(monitor(guest, 'uncatch 2'), 'Catchpoint 2 is gone.\n');
    guest.target.breakpoints.insert({ kind: 'software', address: BigInt(handler(6) + 2), length: 1 });
    t.equal((await guest.continue()).reason.kind, 'breakpoint', `${mode}: past the handler's entry`);
    guest.write('rip', guest.start);
    t.equal((await guest.continue()).reason.kind, 'breakpoint', `${mode}: and once more`);
    guest.close();
  }
});

test('catch exception: a client\'s breakpoint at the same entry', async (t) => {
  for (const mode of MODES) {
    const guest = catchGuest(mode, [...UD2, NOP]);
    monitor(guest, 'catch exception 6');
    guest.target.breakpoints.insert({ kind: 'software', address: BigInt(handler(6)), length: 1 });
    const stop = await guest.continue();
    t.equal(stop.reason.kind, 'breakpoint', mode);
    t.match(stop.text ?? '', /^cpu0: #UD/);
    guest.close();
  }
});

test('catch exception: what is no exception does not stop at the handler', async (t) => {
  // Real mode: int 6; jmp 5060 (to the handler of #UD)
  const guest = catchGuest('real', [0xcd, 6, NOP, 0xe9, ...jump(0x7c06, handler(6))]);
  monitor(guest, 'catch exception all');
  guest.target.breakpoints.insert({ kind: 'software', address: BigInt(handler(6) + 1), length: 1 });
  t.equal((await guest.continue()).reason.kind, 'breakpoint', 'INT 6');
  t.equal((await guest.continue()).reason.kind, 'breakpoint', 'a jump, with whatever lies on the stack');
  guest.close();
});

/** Where handlers are moved to. */
const elsewhere = (vector: number): number => 0x4000 + 16 * vector;

test('catch exception: in real mode the timer\'s vector 8 is an interrupt, vector 13 an exception', async (t) => {
  // sti; pushf; push 0; push 7c00; jmp to the handler of 8, with a frame as IRQ 0 leaves it
  const interrupted = [0xfb, 0x9c, 0x6a, 0, 0x68, 0, 0x7c, 0xe9, ...jump(0x7c0a, handler(8))];
  const guest = catchGuest('real', interrupted);
  monitor(guest, 'catch exception all');
  guest.target.breakpoints.insert({ kind: 'software', address: BigInt(handler(8) + 1), length: 1 });
  t.equal((await guest.continue()).reason.kind, 'breakpoint', 'as if IRQ 0 had come');
  guest.close();
  const faulting = catchGuest('real', interrupted.map((byte, i) => (i === 8 ? jump(0x7c0a, handler(13))[0] : byte)));
  monitor(faulting, 'catch exception all');
  t.match((await faulting.continue()).text ?? '', /^cpu0: #GP \(general protection\), raised at 0x7c00/);
  faulting.close();
});

function jump(from: number, to: number): number[] {
  const distance = (to - from) & 0xffff;
  return [distance & 0xff, distance >> 8];
}

test('catch exception: handlers that share their entry', async (t) => {
  for (const mode of MODES) {
    const guest = catchGuest(mode, [...DIVIDE, NOP], undefined, () => handler(0));
    monitor(guest, 'catch exception all');
    const stop = await guest.continue();
    t.match(stop.text ?? '', /^cpu0: #DE \(divide error\), raised at /, `${mode}: DIV tells`);
    guest.close();
  }
});

test('catch exception: the guest\'s new handlers are followed at its exits', async (t) => {
  for (const mode of MODES) {
    // mov dx,1e9; out dx,al; ud2: what the port does stands for the guest's own stores to its gates
    const guest = catchGuest(mode, [...(mode === 'real' ? [] : [0x66]), 0xba, 0xe9, 0x01, 0xee, ...UD2]);
    monitor(guest, 'catch exception all');
    guest.machine.ports.claim({ name: 'mover', portWidth: 1, readPort: () => 0, writePort: () => setHandlers(guest, elsewhere), reset: () => undefined, save: () => ({}), restore: () => undefined }, 0x1e9, 1);
    const stop = await guest.continue();
    t.match(stop.text ?? '', /^cpu0: #UD/, mode);
    t.equal(guest.pc, BigInt(elsewhere(6)));
    guest.close();
  }
});

test('catch exception: the guest\'s new handlers are followed while it runs without an exit', async (t) => {
  for (const mode of ['protected', 'long'] as const) {
    // 1: cmp byte [2f00],0; je 1b; ud2
    const compare = [0x80, ...(mode === 'long' ? [0x3c, 0x25] : [0x3d]), 0x00, 0x2f, 0, 0, 0];
    const guest = catchGuest(mode, [...compare, 0x74, 0xfe - compare.length, ...UD2]);
    monitor(guest, 'catch exception #UD');
    setTimeout(() => {
      setHandlers(guest, elsewhere);
      // From then on, for a busy machine may be late with both.
      setTimeout(() => guest.poke(0x2f00, [1]), 80);
    }, 20);
    const stop = await guest.continue();
    t.match(stop.text ?? '', /^cpu0: #UD/, mode);
    t.equal(guest.pc, BigInt(elsewhere(6)));
    guest.close();
  }
});

test('catch exception by each mechanism', async (t) => {
  const ways: readonly (readonly Mechanism[])[] = [['patch', 'debug-register'], ['debug-register', 'step'], ['step']];
  for (const only of ways) {
    for (const mode of MODES) {
      const guest = catchGuest(mode, [NOP, ...DIVIDE], only);
      monitor(guest, 'catch exception all');
      const stop = await guest.continue();
      t.match(stop.text ?? '', /^cpu0: #DE/, `${only.join()} ${mode}`);
      t.equal(guest.pc, BigInt(handler(0)));
      guest.close();
    }
  }
});

test('catch exception in a guest with an empty interrupt table', async (t) => {
  const guest = catchGuest('real', [NOP, ...DIVIDE], undefined, () => 0);
  guest.poke(0, Array<number>(0x400).fill(0));
  monitor(guest, 'catch exception all');
  const stop = await guest.continue();
  t.match(stop.text ?? '', /^cpu0: #DE/);
  t.deepEqual(guest.bytes(0, 4), [0, 0, 0, 0], 'the table is as it was');
  guest.close();
});

test('catch exception: raised by code at CPL 3', async (t) => {
  const GDT = 0x2000;
  const TSS = 0x2100;
  // push SS, RSP, RFLAGS, CS, RIP; iretq; at CPL 3: nop; mov al,[10000000000]
  const toUser = [0x6a, 0x0b, 0x68, 0x00, 0x00, 0x19, 0x00, 0x6a, 0x02, 0x6a, 0x13, 0x68, 18, 0x00, 0x10, 0x00, 0x48, 0xcf];
  const guest = catchGuest('long', [...toUser, NOP, 0xa0, 0, 0, 0, 0, 0, 1, 0, 0]);
  const descriptors = [
    [0, 0, 0, 0, 0, 0, 0, 0], [0xff, 0xff, 0, 0, 0, 0xf3, 0xcf, 0], [0xff, 0xff, 0, 0, 0, 0xfb, 0xaf, 0], // 08, 10: data and code of CPL 3
    [0xff, 0xff, 0, 0, 0, 0x9b, 0xaf, 0], // 18: code of CPL 0
  ];
  guest.poke(GDT, descriptors.flat());
  for (let vector = 0; vector < 32; vector++) guest.poke(0x3000 + 16 * vector + 2, [0x18]);
  guest.poke(TSS + 4, [0x00, 0x2f]); // RSP0
  const { tr, cs } = guest.machine.vcpus[0].readSregs();
  guest.machine.vcpus[0].writeSregs({
    gdt: { base: BigInt(GDT), limit: 0x1f }, cs: { ...cs, selector: 0x18 },
    tr: { ...tr, selector: 0x20, base: BigInt(TSS), limit: 0x67, type: 11, present: 1, s: 0, unusable: 0 },
  });
  openToUser(guest);
  monitor(guest, 'catch exception #PF');
  const stop = await guest.continue();
  t.match(stop.text ?? '', /^cpu0: #PF \(page fault\), raised at 0x100013 \(long64, CPL 3\), error code 0x4 \(a read by user code, the page is not mapped\), CR2 0x10000000000\.$/);
  t.equal(guest.pc, BigInt(handler(14)));
  guest.close();
});
