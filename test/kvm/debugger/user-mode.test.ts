/** CPL 3 in long mode: stepped and stopped where the host can do that, refused and warned of in words where it cannot. */
import test from 'tape';
import { inEveryMode } from '../../../src/breakpoints/capabilities.js';
import { executionMechanisms } from './forced.js';
import { hostCapabilities } from './guest-under-debug.js';
import { patience } from '../../time-scale.js';
import { USER, userModeGuest } from './user-mode-guest.js';

/** nop, once; jmp to itself */
const SPIN = [0x90, 0xeb, 0xfe];

test('CPL 3 in long mode', async (t) => {
  const guest = userModeGuest(SPIN);
  try {
    guest.break(USER);
    const stopped = guest.continue();
    const timer = setTimeout(() => guest.target.interrupt(), hostCapabilities().userStep ? patience(5000) : 50);
    const { reason } = await stopped;
    clearTimeout(timer);
    t.equal(guest.read('cs') & 3n, 3n, 'it is at CPL 3');
    if (hostCapabilities().userStep) {
      t.equal(reason.kind, 'breakpoint');
      t.equal((await guest.step()).reason.kind, 'step');
      t.equal(guest.offset, USER + 1);
      return;
    }
    t.equal(reason.kind, 'interrupt', 'a breakpoint there is not seen, Ctrl-C is');
    t.throws(() => guest.target.resume([{ kind: 'step', thread: 1 }]), /CPL 3 .*cannot be stepped/);
    const again = guest.continue();
    setTimeout(() => guest.target.interrupt(), 20);
    t.equal((await again).reason.kind, 'interrupt', 'after a refused step it goes on');
    t.match(guest.console.join(''), /^This host's KVM runs CPL 3 code .*: breakpoints there do not stop\.\n$/);
  } finally {
    guest.close();
  }
});

for (const [how, only] of hostCapabilities().userStep ? executionMechanisms() : []) {
  test(`a breakpoint at CPL 3, ${how}: a stop, or a refusal in words`, async (t) => {
    const guest = userModeGuest(SPIN, only);
    try {
      // HLT is a #GP there, so that it cannot be a patch.
      if (how === 'by patches' && !inEveryMode(hostCapabilities(), 'int3')) {
        t.throws(() => guest.break(USER), /^TargetError: A breakpoint at 0x10001a cannot be made to stop: /);
        return;
      }
      guest.break(USER);
      const stop = await guest.continue();
      t.deepEqual([stop.reason.kind, guest.offset, guest.read('cs') & 3n], ['breakpoint', USER, 3n], stop.text);
      t.deepEqual([(await guest.step()).reason.kind, guest.offset], ['step', USER + 1]);
    } finally {
      guest.close();
    }
  });
}
