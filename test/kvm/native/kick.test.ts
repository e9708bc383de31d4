import test from 'tape';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Exit } from '../../../src/vmm/exit.js';
import type { RunPlan } from '../../../src/vmm/run-plan.js';
import { patience } from '../../time-scale.js';
import { CONTINUE, STEP, thrown, withGuest, type RealModeGuest } from './real-mode-guest.js';

const SPIN = [0x40, 0xeb, 0xfd]; // inc ax; jmp
const HLT = 0xf4;

function runAsync(guest: RealModeGuest, plan: RunPlan): { exit: Promise<Exit>; synchronous: () => boolean } {
  let ended = false;
  const exit = new Promise<Exit>((resolve) => {
    guest.vcpu.run(plan, (result) => {
      ended = true;
      resolve(result);
    });
  });
  const atOnce = ended;
  return { exit, synchronous: () => atOnce };
}

test('a run that ends within its wait calls back before run returns', (t) => withGuest([HLT], async (guest) => {
  const { exit, synchronous } = runAsync(guest, CONTINUE);
  t.ok(synchronous());
  t.equal((await exit).reason, 'hlt');
}));

test('a run that does not calls back from the event loop, once', (t) => withGuest(SPIN, async (guest) => {
  let calls = 0;
  let tell = (): void => undefined;
  const told = new Promise<void>((resolve) => { tell = resolve; });
  guest.vcpu.run({ ...CONTINUE, waitMicroseconds: 200 }, () => { calls++; tell(); });
  t.equal(calls, 0);
  t.ok(guest.vcpu.running);
  guest.vcpu.kick();
  await Promise.race([told, sleep(patience(1000), undefined, { ref: false })]);
  await sleep(50);
  t.equal(calls, 1);
  t.notOk(guest.vcpu.running);
}));

test('with no wait even a short run ends through the event loop', (t) => withGuest([HLT], async (guest) => {
  const { exit, synchronous } = runAsync(guest, { ...CONTINUE, waitMicroseconds: 0 });
  t.notOk(synchronous());
  t.equal((await exit).reason, 'hlt');
}));

test('a kick before a run ends it before its first instruction, and is used up', (t) => withGuest([0x40, HLT], (guest) => {
  for (const plan of [CONTINUE, STEP]) {
    guest.vcpu.regs.rip = 0x1000n;
    guest.vcpu.regs.rax = 0n;
    guest.vcpu.kick();
    guest.vcpu.kick();
    t.equal(guest.run(plan).reason, 'kicked', plan.mode);
    t.deepEqual([guest.offset, guest.vcpu.regs.rax], [0, 0n]);
    t.notEqual(guest.run(plan).reason, 'kicked', 'two kicks are one');
    t.equal(guest.vcpu.regs.rax & 0xffffn, 1n);
  }
}));

test('registers that were set before a kicked run are in place after it', (t) => withGuest([0x40, HLT], (guest) => {
  guest.vcpu.regs.rbx = 0x1234n;
  guest.vcpu.kick();
  t.equal(guest.run().reason, 'kicked');
  t.equal(guest.vcpu.regs.rbx, 0x1234n);
  t.equal(guest.run().reason, 'hlt');
  t.equal(guest.vcpu.regs.rbx, 0x1234n);
}));

test('a kick while an access waits: it is completed, then the run is kicked', (t) => withGuest([0xe4, 0x10, 0x40, HLT], (guest) => {
  const exit = guest.run();
  if (exit.reason !== 'io') return t.fail(exit.reason);
  exit.data[0] = 0x21;
  guest.vcpu.kick();
  t.equal(guest.goOn().reason, 'kicked');
  t.deepEqual([guest.offset, guest.vcpu.regs.rax & 0xffn, guest.vcpu.completionPending], [2, 0x21n, false]);
  t.equal(guest.goOn().reason, 'hlt');
  t.equal(guest.vcpu.regs.rax & 0xffn, 0x22n);
}));

test('thousands of kicks at any moment of a spinning guest: each run ends, none is lost', (t) => withGuest(SPIN, async (guest) => {
  let kicked = 0;
  const rounds = 3000;
  for (let i = 0; i < rounds; i++) {
    const plan = { ...(i % 3 === 0 ? { ...STEP, range: { start: 0n, end: 0xffffn } } : CONTINUE), waitMicroseconds: i % 7 === 0 ? 50 : 0 };
    const { exit } = runAsync(guest, plan);
    if (i % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
    guest.vcpu.kick();
    if ((await exit).reason === 'kicked') kicked++;
  }
  t.equal(kicked, rounds);
}));

test('kicks against a guest that floods a port: the guest loses no byte', (t) => withGuest([
  0xe6, 0x80, // out 0x80, al
  0xfe, 0xc0, // inc al
  0xeb, 0xfa,
], async (guest) => {
  let expected = 0;
  let kicks = 0;
  let wrong = 0;
  let fresh = true;
  for (let i = 0; i < 5000; i++) {
    if (i % 3 === 0) guest.vcpu.kick();
    const { exit } = runAsync(guest, { ...CONTINUE, fresh, waitMicroseconds: i % 2 === 0 ? 1000 : 0 });
    fresh = false;
    const result = await exit;
    if (result.reason === 'kicked') kicks++;
    else if (result.reason !== 'io') return t.fail(result.reason);
    else if (result.data[0] !== (expected++ & 0xff)) wrong++;
  }
  t.equal(wrong, 0);
  t.ok(kicks > 1000, `${kicks} kicks`);
}));

test('runToExit kicks a run that outlives its wait', (t) => withGuest(SPIN, (guest) => {
  for (let i = 0; i < 50; i++) t.equal(guest.run({ ...CONTINUE, waitMicroseconds: 100 }).reason, 'kicked');
  t.notOk(guest.vcpu.running);
}));

test('while it runs, everything else is refused in words', (t) => withGuest(SPIN, async (guest) => {
  const { exit } = runAsync(guest, { ...CONTINUE, waitMicroseconds: 0 });
  const { native } = guest.vcpu;
  for (const call of [
    () => native.getRegs(), () => native.setSregs(new Uint8Array(312)), () => native.run(0), () => native.complete(),
    () => native.getXsave(), () => native.getMsrs(Uint32Array.of(0x10)), () => guest.vcpu.run(CONTINUE, () => undefined),
    () => { guest.vcpu.regs.rax = 1n; },
  ]) {
    const { message, code } = thrown(call);
    t.deepEqual([message, code], ['vcpu 0 is running', 'ERR_STATE']);
  }
  guest.vcpu.kick();
  t.equal((await exit).reason, 'kicked');
}));

test('a listener that throws does not leave the vCPU running', (t) => withGuest(SPIN, async (guest) => {
  const caught = new Promise<Error>((resolve) => process.once('uncaughtException', resolve));
  guest.vcpu.run({ ...CONTINUE, waitMicroseconds: 0 }, () => { throw new Error('from the listener'); });
  guest.vcpu.kick();
  t.equal((await caught).message, 'from the listener');
  t.notOk(guest.vcpu.running);
  t.equal(guest.run(STEP).reason, 'plan-done');
}));
