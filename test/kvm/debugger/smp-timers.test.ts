/** Processors that each have a timer of 1 kHz of their own: steps of each stay out of its handler, and the ticks come when all go on. */
import test from 'tape';
import { TIME_SCALE } from '../../time-scale.js';
import { code, countingHandler, counts, FLAT_SEGMENTS, OWN_STACK, X2APIC } from './counted-interrupts.js';
import { hostCapabilities } from './guest-under-debug.js';
import { le } from './machine-code.js';
import { withMachine } from './machine-under-debug.js';

const AP = 0x8000, HANDLER = 0x8100, COMMON = 0x8200, VECTOR = 0x41;
const STEPS = 300;

const TO_COMMON = `ea ${Buffer.from(le(COMMON, 2)).toString('hex')} 0000`;
/** Real mode: starts the others at AP, and goes where they go. */
const BOOT_CODE = code(FLAT_SEGMENTS, X2APIC, OWN_STACK, '66b930080000 6631d2 66b800450c00 0f30 66b808460c00 0f30', TO_COMMON);
const AP_CODE = code(FLAT_SEGMENTS, X2APIC, OWN_STACK, TO_COMMON);
/** The timer counts nanoseconds: divide by 1, periodic, vector 41. sti; 1: inc cx; jmp 1b */
const COMMON_CODE = code(
  '6631d2 66b93e080000 66b80b000000 0f30 66b932080000 66b841000200 0f30',
  `66b938080000 66b8 ${Buffer.from(le(1_000_000 * TIME_SCALE, 4)).toString('hex')} 0f30 fb 41ebfd`,
);
const LOOP = COMMON + COMMON_CODE.length - 3;
const HANDLER_CODE = countingHandler('66b90b080000 6631c0 6631d2 0f30'); // EOI

for (const [cpus, irqchip] of [[1, 'split'], [2, 'kernel'], [4, 'split'], [8, 'kernel']] as const) {
  test(`${cpus} processors with timers are stepped, each by itself, --irqchip ${irqchip}`, (t) => withMachine(
    { guest: { name: 'timers', bytes: BOOT_CODE, boot: 'flat', load: 0x7c00 }, irqchip, cpus, memory: 1 << 20 },
    async (guest) => {
      const { machine } = guest;
      if (!hostCapabilities().blockIrq) {
        t.pass('this host cannot hold interrupts back, and doctor says so');
        return;
      }
      for (const [address, bytes] of [[AP, AP_CODE], [HANDLER, HANDLER_CODE], [COMMON, COMMON_CODE], [4 * VECTOR, Uint8Array.from([...le(HANDLER, 2), 0, 0])]] as const) machine.memory.write(address, bytes);
      const isInLoop = (i: number): boolean => [LOOP, LOOP + 1].includes(Number(machine.vcpus[i].linearPc));
      const all = machine.vcpus.map(({ id }) => id);
      await guest.runUntil(() => counts(guest).every((count) => count > 3) && all.every(isInLoop), 5);
      for (let round = 0; round < 2; round++) {
        const before = counts(guest);
        for (const id of all) {
          let strays = 0;
          for (let i = 0; i < STEPS; i++) {
            await guest.run({ kind: 'step', thread: id + 1 });
            if (!isInLoop(id)) strays++;
          }
          t.equal(strays, 0, `${STEPS} steps of processor ${id} stay in its loop`);
        }
        t.deepEqual(counts(guest), before, 'nobody has taken a tick');
        t.ok(all.some((id) => new RegExp(`\\nIRR .*\\b${VECTOR}\\b`).test(guest.monitor(`info lapic ${id}`))), 'though one waits');
        await guest.runUntil(() => counts(guest).every((count, i) => count > before[i]) && all.every(isInLoop), 5);
        t.ok(counts(guest).every((count, i) => count > before[i]), 'each takes its ticks when all go on');
      }
    },
  ));
}
