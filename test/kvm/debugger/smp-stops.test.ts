/** Several vCPUs that come to the same place at the same time: each time each of them does is a stop, none twice. */
import test from 'tape';
import type { StopEvent } from '../../../src/target.js';
import { executionMechanisms } from './forced.js';
import { LOOP, SmpGuest } from './smp-guest.js';

/** lock inc word [bx] in 16-bit code, dword [edi] in 32-bit code. */
const COUNT = [0xf0, 0xff, 0x07];
/** The same for ever: jmp back to it. */
const COUNT_ON = [...COUNT, 0xeb, 0xfb];
/** out 99h, al */
const OUT = [0xe6, 0x99];
const ROUNDS = 12;
const HERE = { kind: 'software', address: BigInt(LOOP), length: 1 } as const;

/** By thread: how many rounds each had left at each of its stops. */
type Seen = Map<number, number[]>;

function note(seen: Seen, guest: SmpGuest, { thread }: StopEvent): void {
  seen.set(thread, [...(seen.get(thread) ?? []), guest.left(thread)]);
}

const COUNTDOWN = Array.from({ length: ROUNDS }, (_, i) => ROUNDS - i);

for (const cpus of [1, 2, 4, 8]) {
  for (const [how, only] of executionMechanisms({ kernelIrqchip: true })) {
    test(`${cpus} vCPUs at one breakpoint, ${how}: every arrival is one stop of its thread`, async (t) => {
      const guest = new SmpGuest(cpus, ROUNDS, COUNT, only);
      try {
        guest.target.breakpoints.insert(HERE);
        const seen: Seen = new Map();
        let stop = await guest.continue();
        while (stop.reason.kind === 'breakpoint') {
          note(seen, guest, stop);
          stop = await guest.continueOff(stop.thread, HERE);
        }
        t.equal(stop.reason.kind, 'exited', stop.text);
        t.deepEqual([...seen.keys()].sort((a, b) => a - b), guest.threads);
        for (const [thread, rounds] of seen) t.deepEqual(rounds, COUNTDOWN, `thread ${thread}`);
        t.equal(guest.counter, cpus * ROUNDS, 'nobody ran past it, or twice through it');
      } finally {
        guest.close();
      }
    });
  }

  test(`${cpus} vCPUs make the access that is caught: every one is a stop, none is only a line on the console`, async (t) => {
    const guest = new SmpGuest(cpus, ROUNDS, OUT);
    try {
      guest.target.monitor.execute('catch io 0x99', () => undefined);
      const seen: Seen = new Map();
      let stop = await guest.continue();
      while (stop.text?.includes('0x99') === true) {
        note(seen, guest, stop);
        stop = await guest.continue();
      }
      t.equal(stop.reason.kind, 'exited', stop.text);
      for (const thread of guest.threads) t.deepEqual(seen.get(thread), COUNTDOWN, `thread ${thread}`);
      t.deepEqual(guest.console, []);
    } finally {
      guest.close();
    }
  });
}

test('4 vCPUs: what waits to be told is not told once it was removed', async (t) => {
  const guest = new SmpGuest(4, ROUNDS, [...OUT, ...COUNT]);
  try {
    guest.target.monitor.execute('catch io 0x99', () => undefined);
    guest.target.breakpoints.insert(HERE);
    // All four meet here, and then all at the access: those that are not told wait.
    const met = new Set<number>();
    let stop = await guest.continue();
    for (let i = 0; i < 40 && met.size < 4; i++) {
      met.add(stop.thread);
      stop = stop.reason.kind === 'breakpoint' ? await guest.continueOff(stop.thread, HERE) : await guest.continue();
    }
    t.equal(met.size, 4);
    guest.target.breakpoints.remove(HERE);
    guest.target.monitor.execute('uncatch', () => undefined);
    const last = await guest.continue();
    t.equal(last.reason.kind, 'exited', last.text);
    t.equal(guest.counter, 4 * ROUNDS);
  } finally {
    guest.close();
  }
});

for (const cpus of [1, 2, 4, 8]) {
  test(`${cpus} vCPUs: at an interrupt and at a breakpoint all stand, and none moves until it is resumed`, async (t) => {
    const guest = new SmpGuest(cpus, 1, COUNT_ON);
    try {
      for (let i = 0; i < 5; i++) {
        const stop = guest.continue();
        await new Promise((resolve) => setTimeout(resolve, 5));
        guest.target.interrupt();
        t.equal((await stop).reason.kind, 'interrupt');
        const standing = [guest.counter, ...guest.threads.map((thread) => guest.register(thread, 'rip'))];
        await new Promise((resolve) => setTimeout(resolve, 10));
        t.deepEqual([guest.counter, ...guest.threads.map((thread) => guest.register(thread, 'rip'))], standing);
      }
    } finally {
      guest.close();
    }
  });
}
