/** Non-stop on real vCPUs: each thread's stops are its own, the others go on meanwhile, and nobody sees a patch or misses one. */
import test from 'tape';
import type { StopEvent } from '../../../src/target.js';
import { executionMechanisms, watchMechanisms } from './forced.js';
import { NonStopGuest } from './non-stop-guest.js';
import { COUNTER, LOOP } from './smp-guest.js';

/** lock inc word [bx] in 16-bit code, dword [edi] in 32-bit code. */
const COUNT = [0xf0, 0xff, 0x07];
/** And out 99h, al: so slow that nobody comes to the end. */
const SLOW = [...COUNT, 0xe6, 0x99];
const ROUNDS = 12;
const HERE = { kind: 'software', address: BigInt(LOOP), length: 1 } as const;
const COUNTDOWN = Array.from({ length: ROUNDS }, (_, i) => ROUNDS - i);

async function withGuest(guest: NonStopGuest, work: (guest: NonStopGuest) => Promise<void>): Promise<void> {
  try {
    await work(guest);
  } finally {
    guest.guest.close();
  }
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

for (const cpus of [1, 2, 4, 8]) {
  for (const [how, only] of executionMechanisms({ kernelIrqchip: true })) {
    test(`non-stop: ${cpus} vCPUs at one breakpoint, ${how}: every arrival is one stop of its thread`, async (t) => {
      await withGuest(new NonStopGuest(cpus, ROUNDS, COUNT, only), async (run) => {
        const { guest } = run;
        guest.target.breakpoints.insert(HERE);
        const seen = new Map<number, number[]>(guest.threads.map((thread) => [thread, []]));
        await run.continue(...guest.threads);
        let stop: StopEvent = await run.stop();
        for (; stop.reason.kind === 'breakpoint'; stop = await run.stop()) {
          const { thread } = stop;
          seen.get(thread)?.push(guest.left(thread));
          // As gdb leaves a breakpoint: this thread alone, while none can run through the place.
          await run.held(() => {
            const others = run.going;
            run.nonStop.stop(others, 'requested');
            guest.target.breakpoints.remove(HERE);
            guest.target.resume([{ kind: 'step', thread }]);
          });
          t.equal((await run.stop(thread)).reason.kind, 'step');
          const requested = run.stops.filter(({ reason }) => reason.kind === 'requested').map((stopped) => stopped.thread);
          run.stops.splice(0, run.stops.length, ...run.stops.filter(({ reason }) => reason.kind !== 'requested'));
          await run.held(() => {
            guest.target.breakpoints.insert(HERE);
            guest.target.resume([thread, ...requested].map((id) => ({ kind: 'continue', thread: id })));
          });
        }
        t.equal(stop.reason.kind, 'exited', stop.text);
        for (const [thread, rounds] of seen) t.deepEqual(rounds, COUNTDOWN, `thread ${thread}`);
        t.equal(guest.counter, cpus * ROUNDS);
      });
    });
  }
}

test('non-stop: one stands at a breakpoint, and the others count on', async (t) => {
  await withGuest(new NonStopGuest(4, 0xffff, SLOW), async (run) => {
    const { guest, nonStop } = run;
    const { target } = guest;
    target.breakpoints.insert({ ...HERE, conditions: [] });
    await run.continue(...guest.threads);
    const { thread } = await run.stop();
    await run.held(() => target.breakpoints.remove(HERE));
    for (const id of guest.threads.filter((candidate) => !nonStop.isRunning(candidate) && candidate !== thread)) await run.continue(id);
    t.deepEqual(run.going, guest.threads.filter((id) => id !== thread));
    run.stops.splice(0);
    t.ok(run.isBusy(() => target.readRegisters(run.going[0])), 'the registers of one that runs');
    t.ok(run.isBusy(() => target.reset()));
    t.deepEqual(target.threads().map(({ state }) => state === 'running'), guest.threads.map((id) => id !== thread));
    const left = guest.left(thread);
    const counts: number[] = [];
    for (let i = 0; i < 3; i++) {
      const [low, high] = target.readMemory(thread, BigInt(COUNTER), 2);
      counts.push(low + 256 * high);
      await pause(3);
    }
    t.ok(new Set(counts).size > 1, `they count: ${counts.join(' ')}`);
    for (let i = 0; i < 20; i++) {
      await run.resume({ kind: 'step', thread });
      t.equal((await run.stop(thread)).reason.kind, 'step', 'a step of one');
    }
    t.ok(guest.left(thread) < left, 'it has stepped through the loop');
    t.equal(run.going.length, 3, 'with the others running');
    nonStop.stop(guest.threads, 'requested');
    for (let i = 0; i < 3; i++) t.equal((await run.stop()).reason.kind, 'requested', 'those that ran');
    t.equal(run.stops.length, 0, 'the one that stood says nothing');
    const standing = guest.counter;
    await pause(5);
    t.equal(guest.counter, standing, 'all stand');
    const hasCounted = (pc: bigint): boolean => pc === HERE.address + 3n || pc === HERE.address + 5n;
    const made = guest.threads.map((id) => 0xffff - guest.left(id) + (hasCounted(guest.register(id, 'rip')) ? 1 : 0));
    t.equal(made.reduce((sum, rounds) => sum + rounds, 0) & 0xffff, guest.counter, 'and the counter is what they have counted');
  });
});

test('non-stop: breakpoints come and go while all run, and memory shows none of them', async (t) => {
  await withGuest(new NonStopGuest(4, 0xffff, SLOW, ['patch', 'read-only', 'step']), async (run) => {
    const { guest, nonStop } = run;
    const { target } = guest;
    const code = target.readMemory(1, HERE.address, 6).slice();
    await run.continue(...guest.threads);
    await pause(5);
    await run.held(() => target.breakpoints.insert(HERE));
    const { thread, reason } = await run.stop();
    t.equal(reason.kind, 'breakpoint', 'one that was set while they ran');
    t.deepEqual(target.readMemory(thread, HERE.address, 6), code, 'as the thread that stands sees it, with the others at the patch');
    t.deepEqual(await run.held(() => target.readMemory(run.going[0] ?? 1, HERE.address, 6).slice()), code, 'while held');
    target.physicalMemory.enabled = true;
    t.deepEqual(target.readMemory(thread, HERE.address, 6), code, 'physical');
    target.physicalMemory.enabled = false;
    t.ok(run.going.length === 0 || run.isBusy(() => target.writeMemory(thread, HERE.address, code)), 'a write waits for a hold');
    await run.held(() => {
      target.writeMemory(thread, HERE.address, code);
      target.breakpoints.remove(HERE);
    });
    nonStop.stop(guest.threads, 'requested');
    await run.held(() => undefined);
    t.deepEqual(guest.machine.memory.read(Number(HERE.address), 6), code, 'and nothing is left of it');
    // Those that met it before it went are told so.
    t.ok(run.stops.every((stop) => ['breakpoint', 'requested'].includes(stop.reason.kind)));
  });
});

test('non-stop: a step that is done is told, whoever stopped at the same time', async (t) => {
  await withGuest(new NonStopGuest(4, 0xffff, SLOW), async (run) => {
    const { guest, nonStop } = run;
    guest.target.breakpoints.insert(HERE);
    await run.continue(...guest.threads);
    for (const thread of guest.threads) await run.stop(thread);
    await run.held(() => guest.target.breakpoints.remove(HERE));
    for (let round = 0; round < 50; round++) {
      await run.resume(...guest.threads.map((thread) => ({ kind: 'step' as const, thread })));
      const stops = [await run.stop(), await run.stop(), await run.stop(), await run.stop()];
      if (new Set(stops.map(({ thread }) => thread)).size !== 4 || stops.some(({ reason }) => reason.kind !== 'step')) {
        t.fail(JSON.stringify(stops));
        return;
      }
    }
    t.equal(run.stops.length, 0, '200 steps of four, one stop each');
    t.notOk(nonStop.isRunning(1));
  });
});

for (const [how, only] of watchMechanisms()) {
  test(`non-stop: a step that ended at a watchpoint which was then removed is a step that is done, ${how}`, async (t) => {
    // insb: its port holds the machine, so that the step ends while the vCPUs are being parked.
    await withGuest(new NonStopGuest(1, ROUNDS, [0x6c], only), async (run) => {
      const { target, machine } = run.guest;
      const watch = { kind: 'write', address: BigInt(COUNTER), length: 1 } as const;
      target.breakpoints.insert(HERE);
      await run.continue(1);
      await run.stop(1);
      target.breakpoints.remove(HERE);
      target.breakpoints.insert(watch);
      const PORT = 0x300;
      const dx = target.description.registers.find(({ name }) => name === 'rdx');
      target.writeRegister(1, dx?.regnum ?? -1, Uint8Array.of(PORT & 0xff, PORT >> 8, 0, 0, 0, 0, 0, 0));
      let held = 0;
      machine.ports.claim({
        name: 'test', portWidth: 1, reset: () => undefined, save: () => ({}), restore: () => undefined, writePort: () => undefined,
        readPort: () => {
          run.nonStop.hold(() => {
            held++;
            target.breakpoints.remove(watch);
          });
          return 0x55;
        },
      }, PORT, 1);
      await run.resume({ kind: 'step', thread: 1 });
      const { reason } = await run.stop(1);
      t.deepEqual([reason.kind, run.guest.register(1, 'rip'), held], ['step', BigInt(LOOP + 1), 1]);
      t.equal(machine.memory.readByte(COUNTER), 0x55);
      // Nothing of it is left.
      await run.resume({ kind: 'step', thread: 1 });
      t.deepEqual([(await run.stop(1)).reason.kind, run.guest.register(1, 'rip')], ['step', BigInt(LOOP + 2)]);
    });
  });
}

test('non-stop: an end of the guest ends all threads; the mode changes only while all stand', async (t) => {
  await withGuest(new NonStopGuest(2, 4000, COUNT), async (run) => {
    await run.continue(1, 2);
    t.ok(run.isBusy(() => { run.nonStop.enabled = false; }));
    t.equal((await run.stop()).reason.kind, 'exited');
    t.deepEqual(run.going, []);
    t.equal(run.stops.length, 0);
    run.nonStop.enabled = false;
    t.throws(() => run.guest.target.resume([{ kind: 'continue', thread: 1 }]), /has ended/);
  });
});

test('non-stop: an interrupt of all is one stop, and all stand', async (t) => {
  await withGuest(new NonStopGuest(4, 2000, SLOW), async (run) => {
    await run.continue(...run.guest.threads);
    run.guest.target.interrupt();
    t.equal((await run.stop()).reason.kind, 'interrupt');
    t.notOk(run.guest.target.running);
    t.equal(run.stops.length, 0);
    run.nonStop.enabled = false;
    t.equal((await run.guest.continue()).reason.kind, 'exited', 'all-stop goes on from there');
  });
});

test('non-stop: when the guest resets the machine, a thread that stands is reset too', async (t) => {
  await withGuest(new NonStopGuest(2, 1, COUNT), async (run) => {
    const { target, console } = run.guest;
    const { registers, pc } = target.description;
    target.writeRegister(2, 0, new Uint8Array(8).fill(5));
    t.equal(target.readRegisters(2)[registers[0].offset], 5);
    const entry = Buffer.from(target.readRegister(1, pc)).readBigUInt64LE();
    // mov al, 0xfe; out 0x64, al; jmp $
    target.writeMemory(1, entry, Uint8Array.of(0xb0, 0xfe, 0xe6, 0x64, 0xeb, 0xfe));
    // The reset brings the boot image back, which goes there, and nothing else of the memory.
    target.breakpoints.insert(HERE);
    await run.continue(1);
    t.deepEqual((await run.stop()).reason, { kind: 'breakpoint', breakpoint: 'software', address: BigInt(LOOP) }, 'the thread that ran goes on');
    t.ok(console.some((text) => text.startsWith('The guest reset')), 'after the reset');
    t.equal(target.readRegisters(2)[registers[0].offset], 0);
    t.deepEqual(run.going, [], 'and the other goes on to stand');
  });
});
