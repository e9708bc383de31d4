/** Interrupts by way of the I/O APIC, in the kernel and in this program: edges, levels, lines, the keyboard's. */
import test from 'tape';
import { withMachine, type MachineUnderDebug } from './machine-under-debug.js';

const START = 0x7c00, HANDLERS = 0x8000;
/** Vectors of inputs 1 (keyboard), 2 (timer) and 10 (a level); each handler counts at COUNTS + 2 * vector. */
const KEYBOARD = 0x41, TIMER = 0x50, LEVEL = 0x42;
const COUNTS = 0x600, LEVEL_LINE = 10;
/** Milliseconds that the guest runs at a time. */
const SLICE = 10;
/** The same register, with a vector below 16, that names no processor of this machine. */
const NOBODY = { select: 0x1f, window: 0x0500_0000 };

/** Real mode with a data segment of 4 GiB: the 8259s masked, the local APIC on, three entries, PIT channel 0 at 1 kHz; sti; hlt for ever. */
const GUEST = Uint8Array.from(Buffer.from([
  'fa 31c0 8ed0 bc007c b0ff e621 e6a1 66b8ff010000 6766a3f000e0fe', // mov dword [fee000f0],1ff
  '66bb0000c0fe', // mov ebx,fec00000
  '6766c70312000000 6766c7431041000000 6766c70314000000 6766c7431050000000', // entries 1 and 2: edges
  '6766c70324000000 6766c7431042800000', // entry 10: a level
  'b034e643 b0a9e640 b004e640 fb f4 ebfd',
].join('').replaceAll(' ', ''), 'hex'));

/** push eax; inc word [COUNTS + 2 * vector]; in al,60, of the keyboard's alone; xor eax,eax; mov [fee000b0],eax; pop eax; iret */
function handler(vector: number): Uint8Array {
  const at = COUNTS + 2 * vector;
  return Uint8Array.of(0x66, 0x50, 0xff, 0x06, at & 0xff, at >> 8, ...(vector === KEYBOARD ? [0xe4, 0x60] : [0x90, 0x90]), 0x66, 0x31, 0xc0, 0x67, 0x66, 0xa3, 0xb0, 0x00, 0xe0, 0xfe, 0x66, 0x58, 0xcf);
}

function prepare({ machine }: MachineUnderDebug): void {
  for (const vector of [KEYBOARD, TIMER, LEVEL]) {
    const address = HANDLERS + 0x20 * (vector - 0x40);
    machine.memory.write(address, handler(vector));
    machine.memory.write(4 * vector, Uint8Array.of(address & 0xff, address >> 8, 0, 0));
  }
  const [vcpu] = machine.vcpus;
  vcpu.writeSregs({ ds: { ...vcpu.readSregs().ds, limit: 0xffff_ffff, g: 1 } });
}

function count({ machine }: MachineUnderDebug, vector: number): number {
  return new DataView(machine.memory.read(COUNTS + 2 * vector, 2).buffer).getUint16(0, true);
}

for (const irqchip of ['kernel', 'split'] as const) {
  test(`edges and levels reach the processor by the I/O APIC, --irqchip ${irqchip}`, (t) => withMachine(
    { guest: { name: 'ioapic', bytes: GUEST, boot: 'flat', load: START }, irqchip, memory: 1 << 20 },
    async (guest) => {
      prepare(guest);
      await guest.runUntil(() => count(guest, TIMER) >= 20, SLICE);
      t.ok(count(guest, TIMER) >= 20, `${count(guest, TIMER)} ticks of the PIT`);
      for (const [port, value] of [[0x64, 0x60], [0x60, 0x41], [0x60, 0xf4]] as const) guest.machine.ports.write(port, 1, value);
      guest.machine.ports.read(0x60, 1);
      guest.machine.keys('a');
      await guest.runUntil(() => count(guest, KEYBOARD) >= 2, SLICE);
      t.equal(count(guest, KEYBOARD), 2, 'a key goes down and up');
      t.match(guest.monitor(`irq ${LEVEL_LINE} 1`), /is high/);
      await guest.runUntil(() => count(guest, LEVEL) >= 3, SLICE);
      t.ok(count(guest, LEVEL) >= 3, 'a level comes again after each end of interrupt');
      t.match(guest.monitor('info ioapic'), /\n {2}IRR +10\n/, 'and is requested');
      guest.monitor('snapshot save high');
      guest.monitor(`irq ${LEVEL_LINE} 0`);
      await guest.runUntil(() => !guest.monitor('info ioapic').includes('Remote IRR 10'), SLICE);
      const { ticks, levels } = { ticks: count(guest, TIMER), levels: count(guest, LEVEL) };
      await guest.runUntil(() => count(guest, TIMER) >= ticks + 10, SLICE);
      t.equal(count(guest, LEVEL), levels, 'until it is low');
      guest.monitor('snapshot load high');
      const high = count(guest, LEVEL);
      await guest.runUntil(() => count(guest, LEVEL) > high + 2, SLICE);
      t.ok(count(guest, LEVEL) > high + 2, 'put back to when it was high, it goes on');
    },
  ));
}

test('--irqchip split: an entry for a processor that is not there, accesses that are caught', (t) => withMachine(
  { guest: { name: 'ioapic', bytes: GUEST, boot: 'flat', load: START }, irqchip: 'split', memory: 1 << 20 },
  async (guest) => {
    prepare(guest);
    guest.machine.mmio.serve({ reason: 'mmio', isWrite: true, address: 0xfec0_0000n, data: Uint8Array.of(NOBODY.select, 0, 0, 0) });
    const data = new Uint8Array(4);
    new DataView(data.buffer).setUint32(0, NOBODY.window, true);
    guest.machine.mmio.serve({ reason: 'mmio', isWrite: true, address: 0xfec0_0010n, data });
    guest.machine.mmio.serve({ reason: 'mmio', isWrite: true, address: 0xfec0_0000n, data: Uint8Array.of(NOBODY.select - 1, 0, 0, 0) });
    guest.machine.mmio.serve({ reason: 'mmio', isWrite: true, address: 0xfec0_0010n, data: Uint8Array.of(0x61, 0, 0, 0) });
    t.match(guest.monitor('irq 7'), /was high for a moment/, 'nobody takes it, and that is all');
    t.notOk(guest.monitor('catch io 0x43').includes('inside KVM'), 'our PIT is in sight');
    guest.monitor('catch mmio 0xfec00000-0xfec00fff');
    t.match((await guest.continue()).text ?? '', /0xfec00000/, 'the IOAPIC\'s index register');
    guest.monitor('uncatch 2');
    t.match((await guest.continue()).text ?? '', /0x43/, 'the PIT\'s control word');
  },
));
