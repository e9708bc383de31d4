import test from 'tape';
import { native } from '../../../src/vmm/native.js';
import { CODE, MEMORY_SIZE, STACK, STEP, withGuest } from './real-mode-guest.js';

const HLT = 0xf4;
const at = (offset: number): bigint => BigInt(CODE + offset);

test('a step moves one instruction', (t) => withGuest([0x40, 0x41, 0xb8, 0x34, 0x12], (guest) => {
  for (const [offset, pc] of [[1, at(1)], [2, at(2)], [5, at(5)]] as const) {
    t.deepEqual(guest.run(STEP), { reason: 'plan-done', pc });
    t.equal(guest.offset, offset);
    t.equal(guest.vcpu.steps, 1n);
  }
  t.deepEqual([guest.vcpu.regs.rax & 0xffffn, guest.vcpu.regs.rcx & 0xffffn], [0x1234n, 1n]);
  t.equal(guest.vcpu.regs.rflags & 0x100n, 0n, 'our TF is not seen');
}));

test('a range step ends outside the range', (t) => withGuest([0x40, 0x49, 0x75, 0xfc, 0x42, HLT], (guest) => {
  // inc ax; dec cx; jnz 0; inc dx; hlt
  guest.vcpu.regs.rcx = 10n;
  t.deepEqual(guest.run({ ...STEP, range: { start: at(0), end: at(4) } }), { reason: 'plan-done', pc: at(4) });
  t.equal(guest.vcpu.steps, 30n);
  t.equal(guest.vcpu.regs.rax & 0xffffn, 10n);
}));

test('a step plan ends at one of its addresses, given in any order', (t) => withGuest([0x40, 0x41, 0x42, 0x43, HLT], (guest) => {
  const plan = { ...STEP, until: [0x9000n, at(3), 0x100n, at(2)] };
  t.deepEqual(guest.run(plan), { reason: 'plan-done', pc: at(2) });
  t.equal(guest.vcpu.steps, 2n);
  t.deepEqual(guest.run(plan), { reason: 'plan-done', pc: at(3) }, 'the address it stands at does not count');
}));

test('a step plan ends after its number of steps', (t) => withGuest([0x40, 0xeb, 0xfd], (guest) => {
  guest.run({ ...STEP, maxSteps: 101 });
  t.equal(guest.vcpu.steps, 101n);
  t.equal(guest.vcpu.regs.rax & 0xffffn, 51n);
}));

test('a range step goes on over I/O and counts it once', (t) => withGuest([0xe6, 0x80, 0xe4, 0x81, 0x40, 0xeb, 0xf9], (guest) => {
  const plan = { ...STEP, range: { start: at(0), end: at(5) } };
  let exits = 0;
  let exit = guest.run(plan);
  for (; exit.reason === 'io'; exit = guest.goOn(plan)) exits++;
  t.deepEqual(exit, { reason: 'plan-done', pc: at(5) });
  t.deepEqual([exits, guest.vcpu.steps], [2, 3n]);
}));

test('complete() finishes an access, counts its step and executes no more', (t) => withGuest([0xe4, 0x81, 0x40, HLT], (guest) => {
  const exit = guest.run(STEP);
  if (exit.reason !== 'io') return t.fail(exit.reason);
  exit.data[0] = 0x5a;
  t.equal(guest.vcpu.complete(), undefined);
  t.deepEqual([guest.offset, guest.vcpu.regs.rax & 0xffn, guest.vcpu.steps], [2, 0x5an, 1n]);
  t.equal(guest.vcpu.complete(), undefined, 'again is harmless');
  t.deepEqual(guest.goOn(STEP), { reason: 'plan-done', pc: at(2) }, 'the plan was done with it');
}));

test('registers cannot be changed while an access waits', (t) => withGuest([0xe4, 0x81, HLT], (guest) => {
  guest.run();
  t.throws(() => { guest.vcpu.regs.rbx = 5n; }, /complete\(\) before/);
  t.throws(() => guest.vcpu.writeSregs({ cr2: 5n }), /complete\(\) before/);
  guest.vcpu.complete();
  guest.vcpu.regs.rbx = 5n;
  t.equal(guest.run().reason, 'hlt');
  t.equal(guest.vcpu.regs.rbx, 5n);
}));

test('an MMIO write is a step although KVM reports none', (t) => withGuest([0xa3, 0x10, 0x00, 0x40, HLT], (guest) => {
  const { ds } = guest.vcpu.readSregs();
  guest.vcpu.writeSregs({ ds: { ...ds, base: BigInt(MEMORY_SIZE), selector: 0x1000 } });
  t.equal(guest.run(STEP).reason, 'mmio');
  t.deepEqual(guest.goOn(STEP), { reason: 'plan-done', pc: at(3) });
  t.equal(guest.vcpu.steps, 1n);
  t.deepEqual(guest.run(STEP), { reason: 'plan-done', pc: at(4) });
}));

test('read-modify-write of MMIO is one step with two exits', (t) => withGuest([0xff, 0x06, 0x10, 0x00, HLT], (guest) => {
  const { ds } = guest.vcpu.readSregs();
  guest.vcpu.writeSregs({ ds: { ...ds, base: BigInt(MEMORY_SIZE), selector: 0x1000 } });
  const read = guest.run(STEP);
  if (read.reason !== 'mmio') return t.fail(read.reason);
  read.data.set([7, 0]);
  const write = guest.goOn(STEP);
  if (write.reason !== 'mmio') return t.fail(write.reason);
  t.deepEqual([write.isWrite, [...write.data]], [true, [8, 0]]);
  t.deepEqual(guest.goOn(STEP), { reason: 'plan-done', pc: at(4) });
  t.equal(guest.vcpu.steps, 1n);
}));

test('every element of REP OUTSB is a step', (t) => withGuest([0xf3, 0x6e, HLT], (guest) => {
  guest.vcpu.regs.rcx = 3n;
  guest.vcpu.regs.rsi = 0x3000n;
  for (const left of [2n, 1n]) {
    t.equal(guest.run(STEP).reason, 'io');
    t.deepEqual(guest.goOn(STEP), { reason: 'plan-done', pc: at(0) });
    t.equal(guest.vcpu.regs.rcx & 0xffffn, left);
  }
}));

test('HLT is a finished step and an exit', (t) => withGuest([HLT, 0x40], (guest) => {
  const exit = guest.run(STEP);
  t.ok(exit.reason === 'hlt' || exit.reason === 'plan-done', exit.reason);
  t.deepEqual([guest.offset, guest.vcpu.steps], [1, 1n]);
  if (exit.reason === 'hlt') t.deepEqual(guest.goOn(STEP), { reason: 'plan-done', pc: at(1) });
  t.deepEqual(guest.run(STEP), { reason: 'plan-done', pc: at(2) });
}));

test('a debug register met within a range step is a debug exit', (t) => withGuest([0x40, 0x40, 0x40, 0x40, HLT], (guest) => {
  const { constants } = native();
  const debug = {
    control: constants['KVM_GUESTDBG_ENABLE'] | constants['KVM_GUESTDBG_USE_HW_BP'],
    debugreg: [at(2), 0n, 0n, 0n, 0n, 0n, 0n, 0x402n],
  };
  const exit = guest.run({ ...STEP, debug, range: { start: at(0), end: at(4) } });
  if (exit.reason !== 'debug') return t.fail(exit.reason);
  t.deepEqual([exit.pc, exit.dr6 & 1n, guest.vcpu.steps], [at(2), 1n, 2n]);
}));

test('PUSHF while stepping pushes no TF of ours', (t) => withGuest([0x9c, 0x66, 0x9c, 0x40], (guest) => {
  guest.run({ ...STEP, fixPushf: true });
  t.equal((guest.bytes[STACK - 1]) & 1, 0);
  guest.run({ ...STEP, fixPushf: true });
  t.equal((guest.bytes[STACK - 2 - 3]) & 1, 0, 'PUSHFD too');
  t.equal(guest.offset, 3);
}));

test('the guest\'s own TF is followed over POPF and IRET and survives the end of stepping', (t) => withGuest([
  0x9d, // popf: sets TF
  0x40, // inc ax
  0xcf, // iret: clears TF
  0x41, HLT,
], (guest) => {
  const view = new DataView(guest.memory.buffer);
  view.setUint16(STACK, 0x0102, true);
  view.setUint16(STACK + 2, CODE + 3, true);
  view.setUint16(STACK + 4, 0, true);
  view.setUint16(STACK + 6, 0x0002, true);
  guest.run(STEP);
  t.equal(guest.vcpu.regs.rflags & 0x100n, 0x100n, 'set by POPF');
  guest.run(STEP);
  t.equal(guest.vcpu.regs.rflags & 0x100n, 0x100n, 'and kept');
  // Stepping is turned off before a first instruction: the guest is as if it had never been on.
  guest.vcpu.kick();
  t.equal(guest.run().reason, 'kicked');
  const real = new DataView(guest.vcpu.native.getRegs().buffer);
  t.equal(real.getBigUint64(native().layout['kvm_regs'].fields['rflags'].offset, true) & 0x100n, 0x100n, 'in KVM too');
  guest.run(STEP);
  t.equal(guest.offset, 3);
  t.equal(guest.vcpu.regs.rflags & 0x100n, 0n, 'cleared by IRET');
  t.equal(guest.run().reason, 'hlt');
}));

test('a plan that cannot be carried out is refused', (t) => withGuest([HLT], (guest) => {
  t.throws(() => guest.run({ ...STEP, until: Array.from({ length: 1025 }, (_, i) => BigInt(i)) }), /at most 1024/);
  t.throws(() => guest.run({ ...STEP, range: { start: 5n, end: 5n } }), /empty/);
  const view = new DataView(guest.vcpu.native.plan);
  const { fields } = native().layout['run_plan'];
  const refused = (field: string, value: number): void => {
    const before = view.getUint32(fields[field].offset, true);
    view.setUint32(fields[field].offset, value, true);
    t.throws(() => guest.vcpu.native.run(0), /run plan/, field);
    view.setUint32(fields[field].offset, before, true);
  };
  refused('mode', 2);
  refused('until_count', 1025);
  t.equal(guest.run().reason, 'hlt');
}));
