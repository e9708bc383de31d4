/** --stop-at for a guest that never comes to the place: after a while it is held where it is, with a sentence. */
import test from 'tape';
import { runTo } from '../../../src/cli/stop-at.js';
import { GuestUnderDebug } from './guest-under-debug.js';

test('--stop-at: a guest that does not come is interrupted when its time is over', async (t) => {
  for (const mode of ['real', 'long'] as const) {
    const guest = new GuestUnderDebug(mode, [0x90, 0xeb, 0xfd]); // nop; jmp to it
    try {
      const said: string[] = [];
      const options = { say: (sentence: string) => said.push(sentence), leaving: new Promise(() => undefined), limitSeconds: 0.1 };
      t.ok(await runTo(guest.target, guest.start + 0x40n, options));
      t.deepEqual(said, [`The guest did not come to 0x${(guest.start + 0x40n).toString(16)} in 0.1 s; it is held where it is.`], mode);
      t.notOk(guest.target.running, 'it stands');
      const pc = guest.machine.vcpus[0].regs.rip;
      t.ok(pc >= guest.start && pc <= guest.start + 1n, 'in its loop');
    } finally {
      guest.close();
    }
  }
});
