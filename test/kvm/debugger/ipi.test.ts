/** Two processors that interrupt each other by turns (SDM vol. 3A, 11.12.9): nothing is lost, stopped or not. */
import test from 'tape';
import { withMachine, type MachineUnderDebug } from './machine-under-debug.js';

const ROUNDS = 1000;
const BOOT = 0x7c00, AP = 0x8000, HANDLER = 0x8100, VECTOR = 0x40;
/** Interrupts that processor n has taken: the word at COUNTS + 2n. */
const COUNTS = 0x600;
const bytes = (...hex: string[]): Uint8Array => Uint8Array.from(Buffer.from(hex.join('').replaceAll(' ', ''), 'hex'));

/** x2APIC on, and enabled: MSRs 1B and 80F. */
const X2APIC = '66b91b000000 0f32 0d000c 0f30 66b90f080000 66b8ff010000 6631d2 0f30';
/** Real mode: starts the other at AP, waits for it, interrupts it, and halts until it has been interrupted ROUNDS times itself. */
const BOOT_CODE = bytes(
  '31c0 8ed8 8ed0 bc007c', X2APIC, // xor ax,ax; mov ds,ax; mov ss,ax; mov sp,7c00
  '66b930080000 66b800450c00 0f30 66b808460c00 0f30', // ICR: INIT, then SIPI with vector 8, to all others
  '803e0e0601 75f9', // 1: cmp byte [60e],1; jne 1b
  '66ba01000000 66b840400000 0f30', // ICR: vector 40 to processor 1
  'fbf4fa 813e0006e803 72f5 b003e6f4', // 2: sti; hlt; cli; cmp word [600],1000; jb 2b; mov al,3; out f4,al
);
const AP_CODE = bytes('31c0 8ed8 8ed0 bc0070', X2APIC, 'c6060e0601 fbf4ebfc'); // …; mov byte [60e],1; 1: sti; hlt; jmp 1b
/** Counts for its processor, ends the interrupt, and gives the other the next one, unless processor 0 has had its last. */
const HANDLER_CODE = bytes(
  '6650 6651 6652 53 66b902080000 0f32 89c3 01db ff870006', // inc word [600 + 2 * id]
  '6631d2 6692 80f201 66b90b080000 6652 6631d2 0f30 665a', // EOI; edx = the other's id
  '813e0006e803 730e 66b930080000 66b840400000 0f30', // cmp word [600],1000; jae +14; ICR: vector 40 to edx
  '5b 665a 6659 6658 cf',
);

function counts({ machine }: MachineUnderDebug): number[] {
  const view = new DataView(machine.memory.read(COUNTS, 4).buffer);
  return [view.getUint16(0, true), view.getUint16(2, true)];
}

for (const irqchip of ['kernel', 'split'] as const) {
  test(`ping-pong by interprocessor interrupts, --irqchip ${irqchip}`, (t) => withMachine(
    { guest: { name: 'ipi', bytes: BOOT_CODE, boot: 'flat', load: BOOT }, irqchip, cpus: 2, memory: 1 << 20 },
    async (guest) => {
      const { machine, target } = guest;
      machine.memory.write(AP, AP_CODE);
      machine.memory.write(HANDLER, HANDLER_CODE);
      machine.memory.write(4 * VECTOR, Uint8Array.of(HANDLER & 0xff, HANDLER >> 8, 0, 0));
      const here = { kind: 'hardware', address: BigInt(HANDLER), length: 1 } as const;
      target.breakpoints.insert(here);
      for (let i = 0; i < 8; i++) {
        const stop = await guest.continue();
        t.deepEqual([stop.reason.kind, stop.thread], ['breakpoint', i % 2 === 0 ? 2 : 1], `interrupt ${i + 1} is the ${i % 2 === 0 ? 'other' : 'first'} one's`);
        t.deepEqual(counts(guest), [Math.floor(i / 2), Math.ceil(i / 2)], 'and none was counted before its stop');
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
          const [first, second] = counts(guest);
          if (second !== first && second !== first + 1) t.fail(`stopped at ${first} and ${second}`);
        }
        if (counts(guest)[0] < ROUNDS) t.deepEqual((await guest.continue()).reason, { kind: 'exited', status: 7 }, `run ${round}`);
        t.deepEqual(counts(guest), [ROUNDS, ROUNDS], 'each interrupt was taken once');
        guest.monitor('snapshot load between');
        t.deepEqual(counts(guest), saved, 'as it was saved');
      }
    },
  ));
}
