/** Processors that interrupt each other by turns (SDM vol. 3A, 11.12.9): nothing is lost, stopped or not. */
import test from 'tape';
import { code, countingHandler, counts, FLAT_SEGMENTS, OWN_STACK, X2APIC } from './counted-interrupts.js';
import { withMachine } from './machine-under-debug.js';

const BOOT = 0x7c00, AP = 0x8000, HANDLER = 0x8100, VECTOR = 0x40;
const byte = (value: number): string => value.toString(16).padStart(2, '0');
const word = (value: number): string => byte(value & 0xff) + byte(value >> 8);

/** Real mode: starts the others at AP, waits for them, interrupts the next, and halts until it has been interrupted `rounds` times itself. */
const bootCode = (cpus: number, rounds: number): Uint8Array => code(
  FLAT_SEGMENTS, 'bc007c', X2APIC, // mov sp,7c00
  '66b930080000 66b800450c00 0f30 66b808460c00 0f30', // ICR: INIT, then SIPI with vector 8, to all others
  `803e2006${byte(cpus - 1)} 75f9`, // 1: cmp byte [620],cpus - 1; jne 1b
  '66ba01000000 66b840400000 0f30', // ICR: vector 40 to processor 1
  `fbf4fa 813e0006${word(rounds)} 72f5 b003e6f4`, // 2: sti; hlt; cli; cmp word [600],rounds; jb 2b; mov al,3; out f4,al
);
const AP_CODE = code(
  FLAT_SEGMENTS, X2APIC, OWN_STACK,
  'f0fe062006 fbf4ebfc', // lock inc byte [620]; 1: sti; hlt; jmp 1b
);
/** Ends the interrupt, and gives the next processor its turn, unless processor 0 has had its last. `cpus`: a power of 2. */
const handlerCode = (cpus: number, rounds: number): Uint8Array => countingHandler(
  `6631d2 6692 fec2 80e2${byte(cpus - 1)} 66b90b080000 6652 6631d2 0f30 665a` // edx = the next's id; EOI
  + `813e0006${word(rounds)} 730e 66b930080000 66b840400000 0f30`, // cmp word [600],rounds; jae +14; ICR: vector 40 to edx
);

for (const [cpus, irqchip, rounds] of [[2, 'kernel', 1000], [2, 'split', 1000], [4, 'split', 250], [8, 'kernel', 250]] as const) {
  test(`${cpus} processors interrupt each other in turns, --irqchip ${irqchip}`, (t) => withMachine(
    { guest: { name: 'ipi', bytes: bootCode(cpus, rounds), boot: 'flat', load: BOOT }, irqchip, cpus, memory: 1 << 20 },
    async (guest) => {
      const { machine, target } = guest;
      machine.memory.write(AP, AP_CODE);
      machine.memory.write(HANDLER, handlerCode(cpus, rounds));
      machine.memory.write(4 * VECTOR, Uint8Array.of(HANDLER & 0xff, HANDLER >> 8, 0, 0));
      const here = { kind: 'hardware', address: BigInt(HANDLER), length: 1 } as const;
      target.breakpoints.insert(here);
      const expected = machine.vcpus.map(() => 0);
      for (let i = 0; i < 2 * cpus + 2; i++) {
        const stop = await guest.continue(), whose = (i + 1) % cpus;
        t.deepEqual([stop.reason.kind, stop.thread], ['breakpoint', whose + 1], `interrupt ${i + 1} is processor ${whose}'s`);
        t.deepEqual(counts(guest), expected, 'and none was counted before its stop');
        expected[whose]++;
        target.breakpoints.remove(here);
        await guest.run({ kind: 'step', thread: stop.thread });
        target.breakpoints.insert(here);
      }
      target.breakpoints.remove(here);
      // Stopped anywhere, now and then, and put back to where it was.
      guest.monitor('snapshot save between');
      const saved = counts(guest);
      for (let round = 1; round <= 2; round++) {
        for (let i = 0; i < 5; i++) {
          setTimeout(() => target.interrupt(), 2);
          if ((await guest.continue()).reason.kind === 'exited') break;
          const [first, ...others] = counts(guest);
          const inOrder = [...others, first];
          if (inOrder.some((count, n) => (n > 0 && count > inOrder[n - 1]) || count < inOrder[0] - 1)) t.fail(`stopped at ${counts(guest).join()}`);
        }
        if (counts(guest)[0] < rounds) t.deepEqual((await guest.continue()).reason, { kind: 'exited', status: 7 }, `run ${round}`);
        t.deepEqual(counts(guest), machine.vcpus.map(() => rounds), 'each interrupt was taken once');
        guest.monitor('snapshot load between');
        t.deepEqual(counts(guest), saved, 'as it was saved');
      }
    },
  ));
}
