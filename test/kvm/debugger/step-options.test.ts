/** What QEMU's vendor packets switch (`sstep`, `PhyMemMode`), on the real KVM; and an instruction the host cannot run. */
import test from 'tape';
import { MachineTarget } from '../../../src/debugger/machine-target.js';
import { Machine } from '../../../src/vmm/machine.js';
import { elfImage } from '../../unit/vmm/boot/elf-image.js';
import { GuestUnderDebug, hostCapabilities } from './guest-under-debug.js';

/** Linked at the very end of the address space, loaded at 2 MiB. */
const TOP = 0xffff_ffff_ffff_f000n;
const LOADED = 0x20_0000n;

function highGuest(): { machine: Machine; target: MachineTarget } {
  const page = new Uint8Array(4096).fill(0x90);
  page.set([0x0f, 0x0b], 4094);
  const image = elfImage({ bits: 64, entry: TOP, segments: [{ virtual: TOP, physical: LOADED, bytes: page }] });
  const machine = Machine.create({ memory: 4 << 20, guest: { bytes: image, name: 'high', modules: [] } });
  return { machine, target: new MachineTarget(machine, { capabilities: hostCapabilities, version: 'test' }) };
}

test('PhyMemMode: addresses are physical while it is on, linear before and after', (t) => {
  const { machine, target } = highGuest();
  try {
    t.deepEqual([...target.readMemory(1, TOP + 4092n, 4)], [0x90, 0x90, 0x0f, 0x0b], 'linear, up to the last byte there is');
    target.physicalMemory.enabled = true;
    t.equal(target.readMemory(1, TOP, 4).length, 0, 'there is no RAM at that physical address');
    target.writeMemory(1, LOADED, Uint8Array.of(0x55));
    t.throws(() => target.writeMemory(1, TOP, Uint8Array.of(1)), /0xfffffffffffff000/);
    target.physicalMemory.enabled = false;
    t.equal(target.readMemory(1, TOP, 1)[0], 0x55, 'what was written there is here');
  } finally {
    machine.close();
  }
  t.end();
});

test('info mem: ranges are canonical, and one may end where the address space does', (t) => {
  const { machine, target } = highGuest();
  let text = '';
  try {
    target.monitor.execute('info mem', (part) => { text += part; });
  } finally {
    machine.close();
  }
  t.match(text, /^0000000000000000-0000000100000000 0000000100000000 -rw$/m);
  t.match(text, /^fffffffffffff000-0000000000000000 0000000000001000 -rw$/m, 'as QEMU writes the end of all addresses');
  t.end();
});

/** Programs PIC and PIT, counts IRQ 0 at 0x600 (handler at 7d00), and spins at `loop` with interrupts on. */
function timerGuest(): { code: number[]; loop: number } {
  const out = (port: number, value: number): number[] => [0xb0, value, 0xe6, port];
  const setup = [
    0xfa, ...out(0x20, 0x11), ...out(0x21, 0x08), ...out(0x21, 0x04), ...out(0x21, 0x01), ...out(0x21, 0xfe),
    ...out(0x43, 0x34), ...out(0x40, 0x00), ...out(0x40, 0x02),
    0xc7, 0x06, 0x20, 0x00, 0x00, 0x7d, // mov word [0x20], 0x7d00
    0xc7, 0x06, 0x22, 0x00, 0x00, 0x00, // mov word [0x22], 0
    0xfb, 0x90,
  ];
  const handler = [0xfe, 0x06, 0x00, 0x06, 0x50, ...out(0x20, 0x20), 0x58, 0xcf]; // inc byte [0x600]; EOI; iret
  const code = [...setup, 0x43, 0xeb, 0xfd];
  return { code: [...code, ...Array<number>(0x100 - code.length).fill(0), ...handler], loop: setup.length };
}

test('sstep: a step holds the timer\'s interrupt back, unless the client asked for it', async (t) => {
  if (!hostCapabilities().blockIrq) {
    t.pass('this host cannot hold interrupts back, and doctor says so');
    return;
  }
  const { code, loop } = timerGuest();
  const machine = Machine.create({ memory: 4 << 20, irqchip: 'kernel', guest: { bytes: Uint8Array.from(code), name: 'timer', boot: 'flat', mode: 'real', modules: [] } });
  const target = new MachineTarget(machine, { capabilities: hostCapabilities, version: 'test' });
  const count = (): number => machine.memory.read(0x600, 1)[0];
  const start = 0x7c00n + BigInt(loop);
  const step = (): Promise<void> => new Promise((resolve) => {
    const listening = target.onStop(() => {
      listening.dispose();
      resolve();
    });
    target.resume([{ kind: 'step', thread: 1 }]);
  });
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 3));
  const pc = (): bigint => machine.vcpus[0].regs.rip;
  try {
    for (let i = 0; i < 60 && pc() < start; i++) await step();
    t.ok(pc() >= start && pc() < start + 3n, 'it stands in its loop');
    const before = count();
    let strays = 0;
    for (let i = 0; i < 30; i++) {
      await pause();
      await step();
      if (pc() < start || pc() > start + 2n) strays++;
    }
    t.equal(strays, 0, 'thirty steps over 90 ms stay in the loop');
    t.equal(count(), before, 'and no interrupt was served');
    target.stepOptions.noIrq = false;
    for (let i = 0; i < 60 && count() === before; i++) {
      await pause();
      await step();
    }
    t.ok(count() > before, 'with sstep the interrupt comes');
  } finally {
    machine.close();
  }
});

test('an instruction that this host cannot emulate is a stop with its bytes, and nothing has moved', async (t) => {
  const guest = new GuestUnderDebug('real', [0x90, 0xd9, 0xe8, 0xeb, 0xfe]); // nop; fld1; jmp $
  try {
    await guest.step();
    const stop = await guest.step();
    if (stop.reason.kind === 'step') {
      t.equal(guest.offset, 3, 'this host runs x87');
      return;
    }
    t.deepEqual(stop.reason, { kind: 'fault', signal: 'SIGILL' });
    t.match(stop.text ?? '', /cannot emulate the instruction \(d9 e8[^)]*\) at 0x7c01/);
    t.equal(guest.offset, 1, 'the pc is at the instruction');
    t.deepEqual(guest.bytes(0x7c00, 5), [0x90, 0xd9, 0xe8, 0xeb, 0xfe]);
    guest.write('rip', guest.start + 3n);
    t.equal((await guest.step()).reason.kind, 'step', 'and behind it the guest goes on');
  } finally {
    guest.close();
  }
});
