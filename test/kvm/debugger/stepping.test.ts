/** `stepi` moves exactly one instruction: the rows of docs/hosts.md, "Single step", that this host can show. */
import test from 'tape';
import { GuestUnderDebug, type TestMode } from './guest-under-debug.js';

interface Row {
  name: string;
  modes?: readonly TestMode[];
  code: readonly number[];
  /** pc offsets after each step. */
  steps: readonly number[];
  prepare?: (guest: GuestUnderDebug) => void;
  check?: (guest: GuestUnderDebug, t: test.Test) => void;
}

const ALL: readonly TestMode[] = ['real', 'protected', 'long'];
const HLT = 0xf4;
const NOP = 0x90;

/** RBX where neither RAM nor a device is. */
const atDevice = (guest: GuestUnderDebug): void => guest.write('rbx', 0xd000_0000n);

const rows: Row[] = [
  { name: 'plain instructions', code: [NOP, 0x31, 0xc0, NOP, HLT], steps: [1, 3, 4] },
  { name: 'a taken jump', code: [0xeb, 0x02, NOP, NOP, NOP, HLT], steps: [4, 5] },
  { name: 'CPUID', code: [0x31, 0xc0, 0x0f, 0xa2, NOP, HLT], steps: [2, 4, 5] },
  { name: 'OUT to a device', code: [0xb0, 0x41, 0xe6, 0x80, NOP, HLT], steps: [2, 4, 5], check: (g, t) => t.equal(g.machine.postCode, 0x41) },
  { name: 'OUT to the serial port is made once', code: [0x66, 0xba, 0xf8, 0x03, 0xb0, 0x41, 0xee, NOP, HLT], modes: ['protected', 'long'], steps: [4, 6, 7, 8],
    check: (g, t) => t.deepEqual(g.serial, [0x41]) },
  { name: 'IN', code: [0xe4, 0xe9, NOP, HLT], steps: [2, 3], check: (g, t) => t.equal(Number(g.read('rax') & 0xffn), 0xe9) },
  { name: 'HLT is one step', code: [NOP, HLT, NOP, NOP, HLT], steps: [1, 2, 3, 4] },
  { name: 'PUSHF and POPF', code: [0x9c, 0x9d, NOP, HLT], steps: [1, 2, 3],
    check: (g, t) => t.equal(Number(g.read('eflags')) & 0x100, 0, 'no trap flag is left behind') },
  { name: 'PUSHF pushes no trap flag', code: [0x9c, 0x58, NOP, HLT], steps: [1, 2], check: (g, t) => t.equal(Number(g.read('rax')) & 0x100, 0) },
  { name: 'far jump', modes: ['real'], code: [0xea, 0x07, 0x00, 0xc0, 0x07, NOP, NOP, NOP, HLT], steps: [7, 8] },
  // mov [rbx],al; mov al,[rbx]; inc byte [rbx]
  { name: 'MMIO write to nothing', modes: ['protected', 'long'], code: [0x88, 0x03, NOP, HLT], steps: [2, 3], prepare: atDevice },
  { name: 'MMIO read from nothing', modes: ['protected', 'long'], code: [0x8a, 0x03, NOP, HLT], steps: [2, 3], prepare: atDevice, check: (g, t) => t.equal(Number(g.read('rax') & 0xffn), 0xff) },
  { name: 'read-modify-write on MMIO', modes: ['protected', 'long'], code: [0xfe, 0x03, NOP, HLT], steps: [2, 3], prepare: atDevice },
  { name: 'CR0 read and written', modes: ['protected', 'long'], code: [0x0f, 0x20, 0xc0, 0x0f, 0x22, 0xc0, NOP, HLT], steps: [3, 6, 7] },
  { name: 'CR3 read and written', code: [0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8, NOP, HLT], steps: [3, 6, 7] },
  { name: 'RDMSR and WRMSR', modes: ['protected', 'long'], code: [0xb9, 0x74, 1, 0, 0, 0x0f, 0x32, 0x0f, 0x30, NOP, HLT], steps: [5, 7, 9, 10] },
  { name: 'DR7 written', modes: ['protected', 'long'], code: [0x0f, 0x21, 0xf8, 0x0f, 0x23, 0xf8, NOP, HLT], steps: [3, 6, 7] },
  // lgdt [7c20]; mov eax,cr0; or al,1; mov cr0,eax; jmp 8:7c12; nop; nop
  { name: 'the switch into protected mode', modes: ['real'],
    code: [0x0f, 0x01, 0x16, 0x20, 0x7c, 0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0, 0xea, 0x12, 0x7c, 0x08, 0x00, NOP, NOP, HLT],
    steps: [5, 8, 10, 13, 18, 19],
    prepare: (guest) => {
      guest.poke(0x7c20, [0x17, 0x00, 0x28, 0x7c, 0x00, 0x00]);
      guest.poke(0x7c30, [0xff, 0xff, 0x00, 0x00, 0x00, 0x9b, 0xcf, 0x00]);
    },
    check: (guest, t) => t.equal(Number(guest.read('cr0')) & 1, 1) },
];

for (const { name, modes = ALL, code, steps, prepare, check } of rows) {
  for (const mode of modes) {
    test(`stepping in ${mode} mode: ${name}`, async (t) => {
      const guest = new GuestUnderDebug(mode, code);
      try {
        prepare?.(guest);
        const seen: number[] = [];
        for (let i = 0; i < steps.length; i++) {
          const stop = await guest.step();
          t.equal(stop.reason.kind, 'step', stop.text);
          seen.push(guest.offset);
        }
        t.deepEqual(seen, steps);
        check?.(guest, t);
      } finally {
        guest.close();
      }
    });
  }
}

test('stepping in real mode: REP STOSB ends after RCX iterations and is passed', async (t) => {
  // mov cx,5; mov di,0x500; mov al,0x55; rep stosb; nop
  const guest = new GuestUnderDebug('real', [0xb9, 5, 0, 0xbf, 0, 5, 0xb0, 0x55, 0xf3, 0xaa, NOP, HLT]);
  for (let i = 0; i < 3; i++) await guest.step();
  let steps = 0;
  while (guest.offset === 8 && steps < 10) {
    await guest.step();
    steps++;
  }
  t.equal(guest.offset, 10);
  t.ok(steps >= 1 && steps <= 6, `${steps} steps: one per iteration, or the whole`);
  t.deepEqual(guest.bytes(0x500, 6), [0x55, 0x55, 0x55, 0x55, 0x55, 0]);
  guest.close();
});

test('stepping in real mode: REP OUTSB writes each element once', async (t) => {
  // mov cx,3; mov si,0x7c20; mov dx,0x3f8; rep outsb; nop
  const code = [0xb9, 3, 0, 0xbe, 0x20, 0x7c, 0xba, 0xf8, 3, 0xf3, 0x6e, NOP, HLT];
  const guest = new GuestUnderDebug('real', [...code, ...new Array<number>(0x20 - code.length).fill(0), 0x61, 0x62, 0x63]);
  for (let i = 0; i < 3; i++) await guest.step();
  for (let i = 0; i < 10 && guest.offset === 9; i++) await guest.step();
  t.equal(guest.offset, 11);
  t.deepEqual(guest.serial, [0x61, 0x62, 0x63]);
  guest.close();
});

test('stepping in real mode: REP INSB reads each element once', async (t) => {
  // mov cx,3; mov di,0x500; mov dx,0xe9; rep insb; nop
  const guest = new GuestUnderDebug('real', [0xb9, 3, 0, 0xbf, 0, 5, 0xba, 0xe9, 0, 0xf3, 0x6c, NOP, HLT]);
  for (let i = 0; i < 3; i++) await guest.step();
  for (let i = 0; i < 10 && guest.offset === 9; i++) await guest.step();
  t.equal(guest.offset, 11);
  t.deepEqual(guest.bytes(0x500, 4), [0xe9, 0xe9, 0xe9, 0]);
  guest.close();
});

for (const mode of ALL) {
  test(`stepping in ${mode} mode: STI and MOV SS take at most the next instruction along`, async (t) => {
    // sti; mov eax,ss; mov ss,eax: a trap may wait for the instruction behind STI and MOV SS (SDM vol. 3, 6.8.3; APM vol. 2, 15.21.5)
    for (const [code, plain] of [[[0xfb], 0], [[0x8c, 0xd0, 0x8e, 0xd0], 1]] as const) {
      const guest = new GuestUnderDebug(mode, [...code, NOP, NOP, NOP, HLT]);
      for (let i = 0; i <= plain; i++) await guest.step();
      const behind = guest.offset;
      t.ok(behind === code.length || behind === code.length + 1, `offset ${behind}`);
      await guest.step();
      t.equal(guest.offset, behind + 1);
      guest.close();
    }
  });
}

/** Before IRETQ: mov eax,ss; push rax; push rsp; pushf; mov eax,cs; push rax; push 100010 */
const IRETQ = [0x8c, 0xd0, 0x50, 0x54, 0x9c, 0x8c, 0xc8, 0x50, 0x68, 0x10, 0, 0x10, 0, 0x48, 0xcf, HLT];
/** Instructions that a software KVM carries out apart from its emulator, and the plain ones before them. */
const APART: readonly [name: string, modes: readonly TestMode[], code: readonly number[], before: number][] = [
  ['IRETQ', ['long'], IRETQ, 7], ['SWAPGS', ['long'], [0x0f, 0x01, 0xf8], 0], ['FXSAVE', ['long'], [0x0f, 0xae, 0x04, 0x25, 0, 0xf0, 0, 0], 0],
  ['FXSAVE by a register', ALL, [0x0f, 0xae, 0x07], 0], ['FXRSTOR with a short displacement', ALL, [0x0f, 0xae, 0x4d, 0x10], 0],
  ['FXSAVE with a displacement', ['real'], [0x0f, 0xae, 0x06, 0, 0xf0], 0], ['FXSAVE with a displacement', ['protected'], [0x0f, 0xae, 0x05, 0, 0xf0, 0, 0], 0],
  ['MFENCE', ALL, [0x0f, 0xae, 0xf0], 0], ['ENDBR', ALL, [0xf3, 0x0f, 0x1e, 0xfa], 0], ['prefixed LFENCE', ALL, [0x2e, 0x0f, 0xae, 0xe8], 0],
];

for (const [name, modes, code, before] of APART) {
  for (const mode of modes) {
    test(`stepping in ${mode} mode: ${name} is one step, and a breakpoint behind it is met by stepping`, async (t) => {
      const guest = new GuestUnderDebug(mode, [...code, NOP, NOP, HLT]);
      for (let i = 0; i <= before; i++) t.equal((await guest.step()).reason.kind, 'step');
      t.equal(guest.offset, code.length);
      t.equal(Number(guest.read('eflags')) & 0x100, 0, 'without a trap flag');
      await guest.step();
      t.equal(guest.offset, code.length + 1);
      guest.close();
      const stepped = new GuestUnderDebug(mode, [...code, NOP, NOP, HLT], undefined, ['step']);
      stepped.break(code.length);
      t.equal((await stepped.continue()).reason.kind, 'breakpoint');
      t.equal(stepped.offset, code.length);
      stepped.close();
    });
  }
}

test('stepping in real mode: INT n stops at the first instruction of the handler, and IRET comes back', async (t) => {
  const guest = new GuestUnderDebug('real', [0xcd, 0x21, NOP, HLT]);
  guest.poke(0x21 * 4, [0x00, 0x7d, 0x00, 0x00]);
  guest.poke(0x7d00, [NOP, 0xcf]);
  await guest.step();
  t.equal(guest.pc, 0x7d00n, 'the handler');
  const sp = Number(guest.read('rsp') & 0xffffn);
  t.deepEqual(guest.bytes(sp, 4), [0x02, 0x7c, 0, 0], 'the return address is behind the INT');
  t.equal(guest.bytes(sp + 5, 1)[0] & 1, 0, 'no trap flag in the pushed FLAGS');
  await guest.step();
  await guest.step();
  t.equal(guest.offset, 2, 'back');
  guest.close();
});

test('stepping in real mode: a divide error stops at the first instruction of its handler', async (t) => {
  // xor cx,cx; div cx
  const guest = new GuestUnderDebug('real', [0x31, 0xc9, 0xf7, 0xf1, NOP, HLT]);
  guest.poke(0, [0x00, 0x7d, 0x00, 0x00]);
  guest.poke(0x7d00, [NOP, NOP, HLT]);
  await guest.step();
  await guest.step();
  t.equal(guest.pc, 0x7d00n);
  const sp = Number(guest.read('rsp') & 0xffffn);
  t.deepEqual(guest.bytes(sp, 4), [0x02, 0x7c, 0, 0], 'the faulting instruction is the return address');
  t.equal(guest.bytes(sp + 5, 1)[0] & 1, 0, 'no trap flag in the pushed FLAGS');
  t.deepEqual(guest.bytes(0x7d00, 3), [NOP, NOP, HLT], 'the handler is as it was');
  await guest.step();
  t.equal(guest.pc, 0x7d01n);
  guest.close();
});

test('stepping: a range step stays in its range and stops on a breakpoint inside', async (t) => {
  // mov cx,100; loop: dec cx; jnz loop; nop; nop
  const guest = new GuestUnderDebug('real', [0xb9, 100, 0, 0x49, 0x75, 0xfd, NOP, NOP, HLT]);
  t.equal((await guest.stepRange(guest.start, guest.start + 6n)).reason.kind, 'step');
  t.equal(guest.offset, 6, 'the loop ran to its end');
  t.equal(Number(guest.read('rcx') & 0xffffn), 0);
  guest.close();

  const second = new GuestUnderDebug('real', [0xb9, 100, 0, 0x49, 0x75, 0xfd, NOP, NOP, HLT]);
  second.break(4);
  const stop = await second.stepRange(second.start, second.start + 6n);
  t.equal(stop.reason.kind, 'breakpoint');
  t.equal(second.offset, 4);
  t.equal(Number(second.read('rcx') & 0xffffn), 99);
  second.close();
});

test('stepping: an interrupt ends a range step that would never end', async (t) => {
  const guest = new GuestUnderDebug('real', [0xeb, 0xfe]);
  setTimeout(() => guest.target.interrupt(), 50);
  const stop = await guest.stepRange(guest.start, guest.start + 2n);
  t.equal(stop.reason.kind, 'interrupt');
  t.equal(guest.offset, 0);
  guest.close();
});

test("stepping: the guest's own trap flag survives steps", async (t) => {
  // pushf; pop ax; or ah,1; push ax; popf; nop; nop
  const guest = new GuestUnderDebug('real', [0x9c, 0x58, 0x80, 0xcc, 0x01, 0x50, 0x9d, NOP, NOP, HLT]);
  guest.poke(4, [0x00, 0x7d, 0x00, 0x00]);
  guest.poke(0x7d00, [NOP, 0xcf]);
  for (let i = 0; i < 5; i++) await guest.step();
  t.ok(Number(guest.read('eflags')) & 0x100, 'TF is set, as the guest set it');
  guest.close();
});
