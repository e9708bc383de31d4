/** CPL 3 in long mode: stepped and stopped where the host can do that, refused and warned of in words where it cannot. */
import test from 'tape';
import { GuestUnderDebug, hostCapabilities, openToUser } from './guest-under-debug.js';

const GDT = 0x18_0000;
const GDT_POINTER = 0x17_fff0;
/** Offset of the first instruction at CPL 3. */
const USER = 26;

const CODE = [
  0x0f, 0x01, 0x14, 0x25, 0xf0, 0xff, 0x17, 0x00, // lgdt [GDT_POINTER]
  0x6a, 0x0b, 0x68, 0x00, 0x00, 0x19, 0x00, // push SS; push RSP
  0x6a, 0x02, 0x6a, 0x13, 0x68, USER, 0x00, 0x10, 0x00, // push RFLAGS; push CS; push RIP
  0x48, 0xcf, // iretq
  0x90, 0xeb, 0xfe, // nop, once; jmp to itself
];
const USER_DESCRIPTORS = [
  0, 0, 0, 0, 0, 0, 0, 0,
  0xff, 0xff, 0, 0, 0, 0xf3, 0xcf, 0, // 0x08: data, DPL 3
  0xff, 0xff, 0, 0, 0, 0xfb, 0xaf, 0, // 0x10: 64-bit code, DPL 3
];

test('CPL 3 in long mode', async (t) => {
  const guest = new GuestUnderDebug('long', CODE);
  try {
    guest.poke(GDT, USER_DESCRIPTORS);
    guest.poke(GDT_POINTER, [USER_DESCRIPTORS.length - 1, 0, ...[0, 8, 16, 24].map((shift) => (GDT >> shift) & 0xff), 0, 0, 0, 0]);
    openToUser(guest);
    guest.break(USER);
    const stopped = guest.continue();
    const timer = setTimeout(() => guest.target.interrupt(), 50);
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
