/** Processors that interrupt each other by turns (SDM vol. 3A, 11.12.9): nothing is lost, stopped or not. */
import test from 'tape';
import { withMachine, type MachineUnderDebug } from './machine-under-debug.js';

const BOOT = 0x7c00, AP = 0x8000, HANDLER = 0x8100, VECTOR = 0x40;
/** Interrupts that processor n has taken: the word at COUNTS + 2n. */
const COUNTS = 0x600;
const bytes = (...hex: string[]): Uint8Array => Uint8Array.from(Buffer.from(hex.join('').replaceAll(' ', ''), 'hex'));
const byte = (value: number): string => value.toString(16).padStart(2, '0');
const word = (value: number): string => byte(value & 0xff) + byte(value >> 8);

/** x2APIC on, and enabled: MSRs 1B and 80F. */
const X2APIC = '66b91b000000 0f32 0d000c 0f30 66b90f080000 66b8ff010000 6631d2 0f30';
/** Real mode: starts the others at AP, waits for them, interrupts the next, and halts until it has been interrupted `rounds` times itself. */
const bootCode = (cpus: number, rounds: number): Uint8Array => bytes(
  '31c0 8ed8 8ed0 bc007c', X2APIC, // xor ax,ax; mov ds,ax; mov ss,ax; mov sp,7c00
  '66b930080000 66b800450c00 0f30 66b808460c00 0f30', // ICR: INIT, then SIPI with vector 8, to all others
  `803e2006${byte(cpus - 1)} 75f9`, // 1: cmp byte [620],cpus - 1; jne 1b
  '66ba01000000 66b840400000 0f30', // ICR: vector 40 to processor 1
  `fbf4fa 813e0006${word(rounds)} 72f5 b003e6f4`, // 2: sti; hlt; cli; cmp word [600],rounds; jb 2b; mov al,3; out f4,al
);
const AP_CODE = bytes(
  '31c0 8ed8 8ed0', X2APIC, '66b902080000 0f32 c1e008 bc0070 29c4', // …; a stack of its own: mov sp,7000 - (id << 8)
  'f0fe062006 fbf4ebfc', // lock inc byte [620]; 1: sti; hlt; jmp 1b
);
/** Counts for its processor, ends the interrupt, and gives the next processor its turn, unless processor 0 has had its last. `cpus`: a power of 2. */
const handlerCode = (cpus: number, rounds: number): Uint8Array => bytes(
  '6650 6651 6652 53 66b902080000 0f32 89c3 01db ff870006', // inc word [600 + 2 * id]
  `6631d2 6692 fec2 80e2${byte(cpus - 1)} 66b90b080000 6652 6631d2 0f30 665a`, // edx = the next's id; EOI
  `813e0006${word(rounds)} 730e 66b930080000 66b840400000 0f30`, // cmp word [600],rounds; jae +14; ICR: vector 40 to edx
  '5b 665a 6659 6658 cf',
);

function counts({ machine }: MachineUnderDebug): number[] {
  const view = new DataView(machine.memory.read(COUNTS, 2 * machine.vcpus.length).buffer);
  return machine.vcpus.map((_, i) => view.getUint16(2 * i, true));
}

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
