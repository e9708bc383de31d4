/**
 * Events that KVM cannot deliver to the guest (KVM_INTERNAL_ERROR_DELIVERY_EV and _SIMUL_EX): kvm_intel gives up in words; another
 * KVM may deliver it all the same or try for ever, and then Ctrl-C gets in.
 */
import test from 'tape';
import { existsSync } from 'node:fs';
import type { StopEvent } from '../../../src/target.js';
import { GuestUnderDebug, hostCapabilities } from './guest-under-debug.js';
import { EXIT, HLT, le, NOP } from './machine-code.js';
import { patience } from '../../time-scale.js';

const isVmx = existsSync('/sys/module/kvm_intel');
/** KVM runs kernel code of the guest in its instruction emulator. */
const isEmulated = hostCapabilities().faultStep === 'handler';
const GDT = 0x2000, IDT = 0x3000, POINTER = 0x4000, STACK = 0x6000;
/** Guest-physical, without memory or a device. */
const NOWHERE = 0xd000_0000;
const CPL3_CODE = 0x18, CPL3_DATA = 0x20;
const INTERRUPT = 0x20, HANDLER = 0x10_0080;
const ALIGNMENT_MASK = 1n << 18n, ALIGNMENT_CHECK = 1n << 18n;

/** Continues; who tries for ever is interrupted. */
async function continueOrInterrupt(guest: GuestUnderDebug): Promise<StopEvent> {
  const timer = setTimeout(() => guest.target.interrupt(), patience(1000) / 30);
  try {
    return await guest.continue();
  } finally {
    clearTimeout(timer);
  }
}

/** A stop, with words where it is a fault; and the machine can be looked at and closed. */
function explained(t: test.Test, { reason, text }: StopEvent): void {
  t.ok(['fault', 'interrupt', 'exited'].includes(reason.kind), `${reason.kind}: ${text ?? ''}`);
  if (isEmulated) t.match(text ?? '', /^Triple fault/, 'the emulator can deliver nothing else');
  if (reason.kind === 'fault') t.match(text ?? '', /^(KVM could not deliver an event|KVM met two exceptions|Triple fault)/, text);
}

for (const [mode, size] of [['protected', 4], ['long', 8]] as const) {
  test(`an interrupt table in ${mode} mode where no memory is: a stop that says so, or Ctrl-C ends it`, async (t) => {
    // lidt [POINTER]; xor ecx, ecx; div cl: #DE, and an instruction that KVM's emulator has
    const lidt = mode === 'long' ? [0x0f, 0x01, 0x1c, 0x25, ...le(POINTER, 4)] : [0x0f, 0x01, 0x1d, ...le(POINTER, 4)];
    const guest = new GuestUnderDebug(mode, [...lidt, 0x31, 0xc9, 0xf6, 0xf1, HLT]);
    guest.poke(POINTER, [0xff, 0x0f, ...le(NOWHERE, size).slice(0, 4), 0, 0, 0, 0]);
    const stop = await continueOrInterrupt(guest);
    explained(t, stop);
    if (isVmx) {
      t.deepEqual(stop.reason, { kind: 'fault', signal: 'SIGILL' });
      t.match(stop.text ?? '', /^KVM could not deliver an event to cpu0 at 0x10000[9a] .*: the guest's interrupt table or stack cannot be reached\.$/);
    }
    guest.close();
  });
}

test('an interrupt whose frame is #AC at CPL 3: two exceptions at once, or the handler', async (t) => {
  // int 20h at CPL 3, with a handler of CPL 3 as well, an odd ESP and alignment checks on
  const guest = new GuestUnderDebug('protected', [NOP, 0xcd, INTERRUPT, HLT]);
  guest.poke(HANDLER, EXIT);
  const [vcpu] = guest.machine.vcpus;
  const sregs = vcpu.readSregs();
  guest.poke(GDT, guest.bytes(Number(sregs.gdt.base), CPL3_CODE));
  guest.poke(GDT + CPL3_CODE, [0xff, 0xff, 0, 0, 0, 0xfb, 0xcf, 0, 0xff, 0xff, 0, 0, 0, 0xf3, 0xcf, 0]);
  guest.poke(IDT + 8 * INTERRUPT, [...le(HANDLER & 0xffff, 2), CPL3_CODE | 3, 0, 0, 0xee, ...le(HANDLER >> 16, 2)]);
  const data = { ...sregs.ds, selector: CPL3_DATA | 3, dpl: 3 };
  vcpu.writeSregs({
    gdt: { ...sregs.gdt, base: BigInt(GDT), limit: CPL3_DATA + 7 }, idt: { ...sregs.idt, base: BigInt(IDT), limit: 8 * INTERRUPT + 7 },
    cs: { ...sregs.cs, selector: CPL3_CODE | 3, dpl: 3 }, ss: data, ds: data, es: data, cr0: sregs.cr0 | ALIGNMENT_MASK,
  });
  guest.write('rsp', BigInt(STACK + 1));
  guest.write('eflags', guest.read('eflags') | ALIGNMENT_CHECK | 0x3000n);
  const stop = await continueOrInterrupt(guest);
  explained(t, stop);
  if (isVmx) {
    t.deepEqual(stop.reason, { kind: 'fault', signal: 'SIGILL' });
    t.match(stop.text ?? '', /^KVM met two exceptions at once on cpu0 at 0x100001 .* and could not go on\.$/);
  }
  guest.close();
});
