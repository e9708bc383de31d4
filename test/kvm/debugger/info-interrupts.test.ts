/** `monitor info pic|ioapic|pit|irq|lapic|cpus` of guests that have set the chips up. */
import test from 'tape';
import { withMachine, type MachineUnderDebug } from './machine-under-debug.js';
import { APIC_GUEST, pitGuest } from './timer-guests.js';

const MIB = 1 << 20;
const WHERE = ['kernel', 'split'] as const;

/** What a command shows once the guest has come so far. */
async function textOnce(guest: MachineUnderDebug, command: string, isSo: RegExp): Promise<string> {
  await guest.runUntil(() => isSo.test(guest.monitor(command)), 50);
  return guest.monitor(command);
}

for (const irqchip of WHERE) test(`8259s and PIT as the guest has programmed them, --irqchip ${irqchip}`, (t) => withMachine({ guest: { name: 'pit', bytes: pitGuest(1193), boot: 'flat' }, irqchip, memory: MIB }, async (guest) => {
  t.match(guest.monitor('info pit'), /^channel 0 \(system timer, IRQ 0\): not programmed\n/, 'before the first instruction');
  await textOnce(guest, 'info pic', /pic0: .* imr=fe /);
  t.match(await textOnce(guest, 'info pit', /count 1193/), /^channel 0 \(system timer, IRQ 0\): mode 2 \(rate generator\), count 1193, 1000\.2 Hz, binary, gate open\n/);
  t.match(guest.monitor('info pic'), /\npic0: irr=0[01] imr=fe isr=0[01] hprio=0 irq_base=20 rr_sel=0 elcr=00 fnm=0\npic1: irr=00 /);
  const irq = guest.monitor('info irq').split('\n');
  t.match(irq[1], /^ {2}0 {2}timer \(PIT\) {3}vector 0x20( pending)?( in service)? +pin 2 vector 0x00 to 0 masked/);
  t.match(irq[2], /^ {2}1 {2}keyboard {6}vector 0x21 masked +pin 1 vector 0x00 to 0 masked$/);
  guest.machine.irqchip?.setLine(4, true);
  t.match(guest.monitor('info irq'), /\n {2}4 {2}COM1 {10}vector 0x24 masked pending +pin 4 /, 'a line that is high');
  guest.machine.irqchip?.setLine(4, false);
}));

for (const irqchip of WHERE) test(`IOAPIC: redirection entries by name, --irqchip ${irqchip}`, (t) => {
  // mov dword [fec00000], index; mov dword [fec00010], value
  const write = (index: number, value: number): number[] => [0xc7, 0x05, 0, 0, 0xc0, 0xfe, index, 0, 0, 0, 0xc7, 0x05, 0x10, 0, 0xc0, 0xfe, value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >>> 24) & 0xff];
  const bytes = Uint8Array.of(...write(0x10 + 2 * 4, 0x31), ...write(0x11 + 2 * 4, 0x0100_0000), ...write(0x10 + 2 * 9, 0xa952), 0xeb, 0xfe);
  return withMachine({ guest: { name: 'ioapic', bytes, boot: 'flat', mode: 'protected' }, irqchip, cpus: 2, memory: 2 * MIB }, async (guest) => {
    const text = await textOnce(guest, 'info ioapic', /vec=82/);
    t.match(text, /^ioapic0: ver=0x11 id=0x00 sel=0x22 at 0xfec00000\n/);
    t.match(text, /\n {2}pin 4 {2}0x0100000000000031 dest=1 vec=49 active-hi edge {9}fixed {2}COM1\n/);
    t.match(text, /\n {2}pin 9 {2}0x000000000000a952 dest=logical 0 vec=82 active-lo level {8}lowest {2}ACPI SCI\n/);
    t.match(text, /\n {2}pin 2 {2}0x0000000000010000 dest=0 vec=0 active-hi edge {2}masked fixed {2}timer \(PIT\)\n/);
    t.match(text, /\n {2}IRR +\(none\)\n {2}Remote IRR \(none\)\n$/);
    t.equal((text.match(/\n {2}pin /g) ?? []).length, 24);
    t.match(guest.monitor('info irq'), /\n {2}4 {2}COM1 .* pin 4 vector 0x31 to 1\n/);
  });
});

test('local APIC', (t) => withMachine({ guest: { name: 'apic', bytes: APIC_GUEST, boot: 'flat', mode: 'protected' }, irqchip: 'kernel', cpus: 2, memory: 4 * MIB }, async (guest) => {
  t.match(guest.monitor('info cpus'), /^\* CPU #0: pc=0x0000000000100000 protected32 CPL=0 thread_id=1\n {2}CPU #1: .* \(waiting for SIPI\) thread_id=2\n$/);
  const text = await textOnce(guest, 'info lapic', /initial_count = 4294967295/);
  t.match(text, /^dumping local APIC state for CPU 0\n/);
  t.match(text, /\nLVTT +0x00010030 active-hi edge {2}masked .* one-shot +Fixed +\(vec 48\)\n/);
  t.match(text, /\nTimer +DCR=0x3 \(divide by 16\) initial_count = 4294967295 current_count = 42\d{8}\n/);
  t.match(text, /\nSPIV +0x000001ff APIC enabled, focus=on, spurious vec 255\n/);
  t.match(text, /\nISR +\(none\)\nIRR +\(none\)\n/);
  const APIC_BASE = 0xfee0_0000n;
  t.ok(guest.machine.irqchip?.signalMsi(APIC_BASE, 0x61), 'an MSI to vector 61h');
  t.match(guest.monitor('info lapic 0'), /\nIRR +97\n/);
  t.match(guest.monitor('info lapic 1'), /^dumping local APIC state for CPU 1\n[^]*SPIV +0x000000ff APIC disabled[^]* ID 0x01\n$/);
  t.equal(guest.monitor('info lapic 2'), 'There is no CPU 2; there are 2.\n');
}));

test('without interrupt controllers', (t) => withMachine({ guest: { name: 'hlt', bytes: Uint8Array.of(0xf4), boot: 'flat' }, memory: MIB }, (guest) => {
  for (const what of ['pic', 'ioapic', 'pit', 'irq']) t.equal(guest.monitor(`info ${what}`), 'This machine has no interrupt controllers; start it with --irqchip kernel or split.\n', what);
  t.equal(guest.monitor('info lapic'), 'This machine has no local APICs; start it with --irqchip kernel or split.\n');
  return Promise.resolve();
}));
