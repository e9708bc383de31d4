/** A vCPU that traps itself with TF, while another stops all the time: none of its traps is lost, none comes twice. */
import test from 'tape';
import type { BreakpointRequest } from '../../../src/target.js';
import { TIME_SCALE } from '../../time-scale.js';
import { executionMechanisms } from './forced.js';
import { le } from './machine-code.js';
import { COUNTER, LOOP, SmpGuest } from './smp-guest.js';

const DEBUG_VECTOR = 1, HANDLER = 0x8400, TRAPPING = 0x8480, TRAPS = COUNTER + 2;
/** Of the loop that traps itself: two instructions each. */
const ROUNDS = TIME_SCALE > 1 ? 12 : 300;
const HERE: BreakpointRequest = { kind: 'software', address: BigInt(LOOP), length: 1 };

/** Where every instruction is stepped, KVM keeps a TF of the guest's own from trapping. */
const ways = executionMechanisms({ kernelIrqchip: true }).filter(([, only]) => only === undefined || only.length > 1);

for (const [name, only] of ways) {
  test(`a vCPU with TF beside one that stops, ${name}`, async (t) => {
    const guest = new SmpGuest(3, 0xffff, [0xf0, 0xff, 0x07, 0x90, 0x90], only); // lock inc word [bx]; nop; nop
    const { memory } = guest.machine;
    try {
      guest.target.breakpoints.insert(HERE);
      await guest.gather(BigInt(LOOP));
      memory.write(4 * DEBUG_VECTOR, Uint8Array.from([...le(HANDLER, 2), 0, 0]));
      memory.write(HANDLER, Uint8Array.of(0xe3, 0x04, 0xf0, 0xff, 0x45, TRAPS - COUNTER, 0xcf)); // jcxz 1f; lock inc word [di+2]; 1: iret
      // pushf; pop ax; or ax, 100; push ax; popf; 1: dec cx; jnz 1b; 2: jmp 2b
      memory.write(TRAPPING, Uint8Array.of(0x9c, 0x58, 0x0d, 0x00, 0x01, 0x50, 0x9d, 0x49, 0x75, 0xfd, 0xeb, 0xfe));
      guest.setRegister(2, 'rip', BigInt(TRAPPING));
      guest.setRegister(2, 'rcx', BigInt(ROUNDS));
      guest.setRegister(2, 'rsp', 0x7000n);
      let stops = 0;
      for (; guest.left(2) > 0 && stops < 100 * ROUNDS; stops++) {
        await guest.step(3);
        const { thread, reason, text } = await guest.stopOf(() => guest.target.resume([{ kind: 'continue', thread: 3 }, { kind: 'continue', thread: 2 }]));
        if (thread !== 3 || reason.kind !== 'breakpoint') t.fail(`${reason.kind} of thread ${thread} ${text ?? ''}`);
      }
      const traps = Buffer.from(memory.read(TRAPS, 2)).readUInt16LE();
      t.equal(traps, 2 * (ROUNDS - 1), `each instruction's trap, over ${stops} stops`);
    } finally {
      guest.close();
    }
  });
}
