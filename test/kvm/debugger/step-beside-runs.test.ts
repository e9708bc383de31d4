/** A step of one vCPU where patches stand that another one needs, and a run of one where patches stand for the step of another. */
import test from 'tape';
import type { Mechanism } from '../../../src/breakpoints/planner.js';
import type { BreakpointRequest, ResumeAction } from '../../../src/target.js';
import { patience } from '../../time-scale.js';
import { executionMechanisms } from './forced.js';
import { absolute, le } from './machine-code.js';
import { COUNTER, LOOP, SmpGuest } from './smp-guest.js';

/** lock inc word [bx]; out 99h, al: the port makes a round last, so that the step is over before the other is done. */
const BODY = [0xf0, 0xff, 0x07, 0xe6, 0x99];
const INC = BigInt(LOOP), OUT = INC + 3n;
const HERE: BreakpointRequest = { kind: 'software', address: INC, length: 1 };

for (const [name, only] of executionMechanisms({ kernelIrqchip: true })) {
  test(`a step off a breakpoint beside a vCPU that runs, ${name}`, async (t) => {
    const guest = new SmpGuest(2, 0xffff, BODY, only);
    const at = (thread: number): bigint => guest.register(thread, 'rip');
    try {
      guest.target.breakpoints.insert(HERE);
      await guest.gather(INC);
      for (const thread of guest.threads) {
        const other = 3 - thread;
        if (at(other) === INC) await guest.step(other);
        const actions: ResumeAction[] = [{ kind: 'step', thread }, { kind: 'continue', thread: other }];
        const { text, ...stop } = await guest.stopOf(() => guest.target.resume(actions));
        if (stop.reason.kind === 'breakpoint') {
          t.equal(stop.thread, other, 'the other was there first');
          // A step that was done meanwhile is not told (decision 20).
          if (at(thread) === INC) await guest.step(thread);
        } else t.deepEqual([stop, text], [{ thread, reason: { kind: 'step' } }, undefined]);
        t.equal(at(thread), OUT);
        await guest.gather(INC);
      }
    } finally {
      guest.close();
    }
  });
}

/** Handlers of #UD and #BP in real mode: a step has its traps at their entries, where a host needs them. */
const UNDEFINED = 0x8400, INT3 = 0x8440, DELAY = 0x8480;
const SEEN_UNDEFINED = COUNTER + 2, SEEN_INT3 = COUNTER + 4;
const ROUNDS = 30;

/** Three vCPUs, all at the beginning of the loop; the boot processor stays there, the two others have one interrupt table. */
async function withHandlers(only: readonly Mechanism[] | undefined): Promise<SmpGuest> {
  const guest = new SmpGuest(3, ROUNDS, [0xf0, 0xff, 0x07, 0x0f, 0x0b, 0xcc], only); // lock inc word [bx]; ud2; int3
  const { memory } = guest.machine;
  const counted = (address: number): number[] => [0xf0, ...absolute('real', [0xff], 0, address), 0xcf]; // lock inc word [address]; iret
  memory.write(4 * 6, Uint8Array.from([...le(UNDEFINED, 2), 0, 0]));
  memory.write(4 * 3, Uint8Array.from([...le(INT3, 2), 0, 0]));
  // push bp; mov bp, sp; add word [bp+2], 2; pop bp: it goes on behind the ud2.
  memory.write(UNDEFINED, Uint8Array.from([0x55, 0x89, 0xe5, 0x83, 0x46, 0x02, 0x02, 0x5d, ...counted(SEEN_UNDEFINED)]));
  memory.write(INT3, Uint8Array.from(counted(SEEN_INT3)));
  memory.write(DELAY, Uint8Array.from([0x41, 0xeb, 0xfd])); // inc cx; jmp DELAY
  guest.target.breakpoints.insert(HERE);
  await guest.gather(INC);
  guest.target.breakpoints.remove(HERE);
  return guest;
}

for (const [name, only] of executionMechanisms({ kernelIrqchip: true })) {
  for (const elsewhere of [false, true]) {
    test(`a vCPU takes exceptions while another steps on and on, ${name}${elsewhere ? ', with a breakpoint elsewhere' : ''}`, async (t) => {
      const guest = await withHandlers(only);
      const word = (address: number): number => Buffer.from(guest.machine.memory.read(address, 2)).readUInt16LE();
      try {
        if (elsewhere) guest.target.breakpoints.insert({ kind: 'software', address: BigInt(DELAY + 3), length: 1 });
        guest.setRegister(2, 'rip', BigInt(DELAY));
        const stopped = guest.stopOf(() => guest.target.resume([
          { kind: 'range-step', thread: 2, start: BigInt(DELAY), end: BigInt(DELAY + 3) }, { kind: 'continue', thread: 3 },
        ]));
        const until = performance.now() + patience(20_000);
        while (guest.finished === 0 && guest.target.running && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 2));
        if (guest.target.running) guest.target.interrupt();
        const { reason, text } = await stopped;
        t.deepEqual([reason.kind, text], ['interrupt', undefined]);
        t.deepEqual([word(SEEN_UNDEFINED), word(SEEN_INT3), guest.finished], [ROUNDS, ROUNDS, 1], 'each exception was taken once');
        const pc = guest.register(2, 'rip');
        t.ok(pc === BigInt(DELAY) || pc === BigInt(DELAY + 1), 'the step is where it was');
        t.deepEqual([...guest.machine.memory.read(UNDEFINED, 2), guest.machine.memory.read(INT3, 1)[0]], [0x55, 0x89, 0xf0], 'memory is pristine');
      } finally {
        guest.close();
      }
    });
  }

  test(`two vCPUs step together, one of them at the entry of a handler, ${name}`, async (t) => {
    const guest = await withHandlers(only);
    try {
      for (const order of [[2, 3], [3, 2]]) {
        guest.setRegister(2, 'rip', BigInt(UNDEFINED));
        guest.setRegister(3, 'rip', INC);
        const behind = new Map([[2, BigInt(UNDEFINED + 1)], [3, OUT]]);
        const { thread, reason, text } = await guest.stopOf(() => guest.target.resume(order.map((one) => ({ kind: 'step', thread: one }))));
        t.deepEqual([reason.kind, text], ['step', undefined]);
        t.equal(guest.register(thread, 'rip'), behind.get(thread), `thread ${thread} has made its step`);
      }
    } finally {
      guest.close();
    }
  });
}
