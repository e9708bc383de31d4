/** A breakpoint that must be planted anew while several vCPUs run: all stand for it, and all go on, not only the one that noticed. */
import test from 'tape';
import { COUNTER, LOOP, SmpGuest } from './smp-guest.js';
import { patience } from '../../time-scale.js';

/** lock inc word [bx]; out 99h, al: so slow that nobody comes to the end. */
const BODY = [0xf0, 0xff, 0x07, 0xe6, 0x99];
const HERE = { kind: 'software', address: BigInt(LOOP), length: 1 } as const;
/** Where nobody comes. */
const ELSEWHERE = { kind: 'software', address: 0x8180n, length: 1 } as const;
const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

test('2 vCPUs: a patch that was written over is planted again, and both go on', async (t) => {
  const guest = new SmpGuest(2, 0xffff, BODY, ['patch', 'step']);
  const counts = (): number[] => [0, 1].map((i) => guest.machine.memory.read(COUNTER + 16 * i, 2).reduceRight((value, byte) => value * 256 + byte, 0));
  try {
    guest.target.breakpoints.insert(HERE);
    const seen = new Set<number>();
    for (let stop = await guest.continue(); seen.size < 2; stop = await guest.continueOff(stop.thread, HERE)) seen.add(stop.thread);
    guest.target.breakpoints.remove(HERE);
    const bx = guest.target.description.registers.find(({ name }) => name === 'rbx');
    guest.target.writeRegister(2, bx?.regnum ?? -1, Uint8Array.of(0x10, COUNTER >> 8, 0, 0, 0, 0, 0, 0));
    guest.target.breakpoints.insert(ELSEWHERE);
    const stop = guest.continue();
    await pause(10);
    // Where the host has no patch for it, all is stepped, and this is no more than memory that changes.
    guest.machine.memory.write(Number(ELSEWHERE.address), Uint8Array.of(0x90));
    await pause(50);
    const before = counts();
    const deadline = performance.now() + patience(5000);
    while (performance.now() < deadline && counts().some((count, i) => count === before[i])) await pause(5);
    t.ok(counts().every((count, i) => count !== before[i]), `${before.join(' ')}, then ${counts().join(' ')}`);
    guest.target.interrupt();
    t.equal((await stop).reason.kind, 'interrupt');
  } finally {
    guest.close();
  }
});
