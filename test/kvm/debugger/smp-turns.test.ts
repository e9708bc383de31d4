/** A vCPU that stops as soon as it runs does not keep the others from running, whoever the client names first. */
import test from 'tape';
import { executionMechanisms } from './forced.js';
import { COUNTER, LOOP, SmpGuest } from './smp-guest.js';

const FREE = 0x8480, COUNTED = COUNTER + 4;
const STOPS = 60;

for (const [name, only] of executionMechanisms({ kernelIrqchip: true })) {
  test(`a vCPU that runs beside one that stops at once, ${name}`, async (t) => {
    const guest = new SmpGuest(2, 0xffff, [0x90], only);
    const { memory } = guest.machine;
    const counted = (): number => Buffer.from(memory.read(COUNTED, 2)).readUInt16LE();
    try {
      guest.target.breakpoints.insert({ kind: 'software', address: BigInt(LOOP), length: 1 });
      await guest.gather(BigInt(LOOP));
      memory.write(FREE, Uint8Array.of(0xff, 0x45, COUNTED - COUNTER, 0xeb, 0xfb)); // 1: inc word [di+4]; jmp 1b
      guest.setRegister(2, 'rip', BigInt(FREE));
      let rounds = 0;
      for (let i = 0, before = counted(); i < STOPS; i++) {
        await guest.step(1);
        const { thread, reason } = await guest.stopOf(() => guest.target.resume([{ kind: 'continue', thread: 1 }, { kind: 'continue', thread: 2 }]));
        if (thread !== 1 || reason.kind !== 'breakpoint') t.fail(`stop ${i}: ${reason.kind} of thread ${thread}`);
        const now = counted();
        if (now !== before) rounds++;
        before = now;
      }
      t.ok(rounds >= STOPS / 4, `it has run in ${rounds} of ${STOPS} rounds`);
    } finally {
      guest.close();
    }
  });
}
