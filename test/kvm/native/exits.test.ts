import test from 'tape';
import { probeThisHost } from '../../../src/debugger/probe-machine.js';
import { native } from '../../../src/vmm/native.js';
import { CODE, CONTINUE, MEMORY_SIZE, PATIENCE, RealModeGuest, STEP, withGuest } from './real-mode-guest.js';

const HLT = 0xf4;

test('OUT gives the port and the data, and the run goes on behind it', (t) => withGuest([0xb0, 0x41, 0xe6, 0x80, HLT], (guest) => {
  const exit = guest.run();
  t.deepEqual({ ...exit, data: exit.reason === 'io' ? [...exit.data] : [] },
    { reason: 'io', direction: 'out', size: 1, port: 0x80, count: 1, data: [0x41] });
  t.equal(guest.goOn().reason, 'hlt');
  t.equal(guest.offset, 5, 'HLT leaves IP behind it');
}));

test('IN takes what is put into the exit data', (t) => withGuest([0xba, 0x34, 0x12, 0xed, HLT], (guest) => {
  guest.vcpu.regs.rax = 0xdead_0000_0000n;
  const exit = guest.run();
  if (exit.reason !== 'io') return t.fail(exit.reason);
  t.deepEqual([exit.direction, exit.size, exit.port, exit.count], ['in', 2, 0x1234, 1]);
  exit.data.set([0xcd, 0xab]);
  t.equal(guest.goOn().reason, 'hlt');
  t.equal(guest.vcpu.regs.rax & 0xffffn, 0xabcdn);
}));

test('REP OUTSB hands over every byte, REP INSB takes every byte', (t) => withGuest([0xf3, 0x6e, 0xb9, 5, 0, 0xf3, 0x6c, HLT], (guest) => {
  const { regs } = guest.vcpu;
  regs.rcx = 5n;
  regs.rsi = 0x3000n;
  regs.rdi = 0x4000n;
  regs.rdx = 0x3f8n;
  guest.bytes.set([1, 2, 3, 4, 5], 0x3000);
  const written: number[] = [];
  let next = 10;
  let exit = guest.run();
  for (; exit.reason === 'io'; exit = guest.goOn()) {
    if (exit.direction === 'out') written.push(...exit.data);
    else for (let i = 0; i < exit.data.length; i++) exit.data[i] = next++;
  }
  t.equal(exit.reason, 'hlt');
  t.deepEqual(written, [1, 2, 3, 4, 5]);
  t.deepEqual([...guest.bytes.subarray(0x4000, 0x4006)], [10, 11, 12, 13, 14, 0]);
}));

test('MMIO reads and writes carry address and data', (t) => withGuest([
  0xa1, 0x00, 0x00, // mov ax, [0] of DS = beyond RAM
  0xa3, 0x10, 0x00, // mov [0x10], ax
  HLT,
], (guest) => {
  const { ds } = guest.vcpu.readSregs();
  guest.vcpu.writeSregs({ ds: { ...ds, base: BigInt(MEMORY_SIZE), selector: 0x1000 } });
  const read = guest.run();
  if (read.reason !== 'mmio') return t.fail(read.reason);
  t.deepEqual([read.isWrite, read.address, read.data.length], [false, BigInt(MEMORY_SIZE), 2]);
  read.data.set([0x78, 0x56]);
  const write = guest.goOn();
  if (write.reason !== 'mmio') return t.fail(write.reason);
  t.deepEqual([write.isWrite, write.address, [...write.data]], [true, BigInt(MEMORY_SIZE + 0x10), [0x78, 0x56]]);
  t.equal(guest.goOn().reason, 'hlt');
}));

test('a write to a read-only slot is an MMIO exit behind the instruction', (t) => withGuest([
  0xc6, 0x06, 0x00, 0x50, 0x99, // mov byte [0x5000], 0x99
  HLT,
], (guest) => {
  const { constants } = native();
  guest.vm.removeMemorySlot(0);
  guest.vm.setMemorySlot(0, 0, 0n, guest.memory, 0, 0x5000);
  guest.vm.setMemorySlot(1, constants['KVM_MEM_READONLY'], 0x5000n, guest.memory, 0x5000, 0x1000);
  const exit = guest.run();
  if (exit.reason !== 'mmio') return t.fail(exit.reason);
  t.deepEqual([exit.isWrite, exit.address, [...exit.data]], [true, 0x5000n, [0x99]]);
  t.equal(guest.bytes[0x5000], 0, 'the memory is as it was');
  t.equal(guest.goOn().reason, 'hlt');
}));

test('a debug-register breakpoint is a debug exit before its instruction', (t) => withGuest([0x40, 0x40, 0x40, HLT], (guest) => {
  if (!probeThisHost().modes.real.debugExecute) return t.skip('no debug register stops on this host');
  const { constants } = native();
  const control = constants['KVM_GUESTDBG_ENABLE'] | constants['KVM_GUESTDBG_USE_HW_BP'];
  const debugreg = [BigInt(CODE + 2), 0n, 0n, 0n, 0n, 0n, 0n, 0x402n];
  const exit = guest.run({ ...CONTINUE, debug: { control, debugreg } });
  if (exit.reason !== 'debug') return t.fail(exit.reason);
  t.deepEqual([exit.exception, exit.pc, exit.dr6 & 0xfn], [1, BigInt(CODE + 2), 1n]);
  t.equal(guest.offset, 2);
  t.equal(guest.vcpu.regs.rax & 0xffffn, 2n);
  t.equal(guest.run().reason, 'hlt', 'a plan without debugging passes it');
}));

test('a triple fault is a shutdown exit', (t) => withGuest([0x0f, 0x0b], (guest) => {
  // Protected mode with an empty IDT, for software KVM ignores the IDT limit in real mode.
  const sregs = guest.vcpu.readSregs();
  const flat = (segment: typeof sregs.cs, type: number): typeof sregs.cs =>
    ({ ...segment, base: 0n, limit: 0xffff_ffff, selector: 8, type, present: 1, dpl: 0, db: 1, s: 1, l: 0, g: 1, unusable: 0 });
  guest.vcpu.writeSregs({
    cr0: sregs.cr0 | 1n, cs: flat(sregs.cs, 11), ds: flat(sregs.ds, 3), ss: flat(sregs.ss, 3), idt: { base: 0n, limit: 0 },
  });
  t.equal(guest.run().reason, 'shutdown');
}));

test('an instruction that cannot be run is an internal error with its bytes, or the guest takes it', (t) => withGuest([0xd9, 0xe8, HLT], (guest) => {
  // FLD1: software KVM cannot emulate x87; hardware runs it.
  const exit = guest.run();
  if (exit.reason === 'hlt') return t.pass('this host runs x87 instructions');
  if (exit.reason !== 'internal-error') return t.fail(exit.reason);
  t.equal(exit.suberror, 1);
  t.equal(guest.offset, 0);
  if (exit.instruction !== undefined) t.deepEqual([...exit.instruction.subarray(0, 2)], [0xd9, 0xe8]);
}));

test('registers that contradict each other are refused in words, and the vCPU goes on', (t) => withGuest([0x40, HLT], (guest) => {
  try {
    guest.vcpu.writeSregs({ cr0: 0x8000_0000n });
    t.fail('CR0.PG without CR0.PE was taken');
  } catch (error) {
    t.match((error as Error).message, /system registers/);
    t.equal((error as { code?: string }).code, 'EINVAL');
  }
  t.equal(guest.run().reason, 'hlt');
  t.equal(guest.vcpu.regs.rax & 0xffffn, 1n);
}));

test('many steps after an access: nothing of an old answer leaks into a new one', (t) => withGuest([0xe4, 0x10, 0xe4, 0x11, 0xeb, 0xfa], (guest) => {
  let wrong = 0;
  for (let i = 0; i < 500; i++) {
    let exit = guest.run(STEP);
    let expected: number | undefined;
    if (exit.reason === 'io') {
      expected = (i * 7 + exit.port) & 0xff;
      exit.data[0] = expected;
      exit = guest.goOn(STEP);
    }
    if (exit.reason !== 'plan-done') return t.fail(exit.reason);
    if (expected !== undefined && Number(guest.vcpu.regs.rax & 0xffn) !== expected) wrong++;
  }
  t.equal(wrong, 0);
}));

test('the record is valid before the first run', (t) => {
  const guest = new RealModeGuest([HLT]);
  const fresh = guest.vm.createVcpu(1);
  const { layout } = native();
  const { offset } = layout['exit_record'].fields['sregs'];
  const cs = new DataView(fresh.record, offset + layout['kvm_sregs'].fields['cs'].offset);
  t.equal(cs.getBigUint64(layout['kvm_segment'].fields['base'].offset, true), 0xffff_0000n, 'CS.base of the reset state');
  guest.close();
  t.end();
});

test('one step through JavaScript', (t) => withGuest([0x40, 0xeb, 0xfd], (guest) => {
  const count = 5000;
  let done = 0;
  const medians: number[] = [];
  for (let round = 0; round < 5; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < count; i++) guest.vcpu.run(STEP, (exit) => { done += exit.reason === 'plan-done' ? 1 : 0; });
    medians.push(Number(process.hrtime.bigint() - start) / 1000 / count);
  }
  const start = process.hrtime.bigint();
  guest.run({ ...STEP, range: { start: BigInt(CODE), end: BigInt(CODE + 3) }, maxSteps: count, waitMicroseconds: PATIENCE });
  const inNative = Number(process.hrtime.bigint() - start) / 1000 / count;
  t.equal(done, 5 * count);
  t.comment(`a step through run(): ${medians.sort((a, b) => a - b)[2].toFixed(1)} µs; within a range step: ${inNative.toFixed(1)} µs`);
}));
