/**
 * Interrupts of a split irqchip on their way to the processor: a vector that KVM was given and the processor has not got is where
 * it belongs in snapshots, resets and loads; the timer comes by whichever controller lets it through.
 */
import test from 'tape';
import { Machine } from '../../../src/vmm/machine.js';
import { runUntilEnd } from '../../../src/vmm/run-machine.js';
import type { RunPlan } from '../../../src/vmm/run-plan.js';
import { APIC, apicVectors, setApicRegister } from '../../../src/x86/local-apic.js';
import { patience } from '../../time-scale.js';

const COUNT = 0x600, HANDLER = 0x7d00, VECTOR = 0x0b, LINE = 3, URGENT = { line: 1, vector: 0x09 };
const out = (port: number, value: number): number[] => [0xb0, value, 0xe6, port];
/** Real mode: the 8259 at vectors 8 to 15, its inputs 1 and 3 let through; sti; 1: jmp 1b. */
const GUEST = Uint8Array.of(...out(0x20, 0x11), ...out(0x21, 0x08), ...out(0x21, 0x04), ...out(0x21, 0x01), ...out(0x21, 0xf5), 0xfb, 0xeb, 0xfe);
/** inc word [COUNT]; mov al,20; out 20,al; iret */
const HANDLER_CODE = Uint8Array.of(0xff, 0x06, COUNT & 0xff, COUNT >> 8, ...out(0x20, 0x20), 0xcf);

function prepare(machine: Machine): void {
  machine.memory.write(HANDLER, HANDLER_CODE);
  for (const vector of [VECTOR, URGENT.vector]) machine.memory.write(4 * vector, Uint8Array.of(HANDLER & 0xff, HANDLER >> 8, 0, 0));
}

function count({ memory }: Machine): number {
  return new DataView(memory.read(COUNT, 2).buffer).getUint16(0, true);
}

/** Runs in slices until it is so, or until that counts as a hang. */
async function runUntil(machine: Machine, isSo: () => boolean): Promise<void> {
  for (const end = Date.now() + patience(3000); !isSo() && Date.now() < end;) await runUntilEnd(machine, 10);
}

/** An interrupt comes, and the run that it is handed over for is kicked before it begins. */
function handOver(machine: Machine): void {
  const [vcpu] = machine.vcpus;
  machine.irqchip?.setLine(LINE, true);
  machine.irqchip?.setLine(LINE, false);
  vcpu.kick();
  let reason = 'nothing';
  vcpu.run({ mode: 'continue', waitMicroseconds: 100_000, fresh: true }, (exit) => { reason = exit.reason; });
  if (reason !== 'kicked') throw new Error(`the run ended with ${reason}`);
}

test('a vector on its way to the processor', async (t) => {
  const machine = Machine.create({ memory: 1 << 20, irqchip: 'split', guest: { name: 'spin', bytes: GUEST, boot: 'flat' } });
  try {
    prepare(machine);
    await runUntil(machine, () => machine.vcpus[0].isReadyForInterrupt);
    t.ok(machine.vcpus[0].isReadyForInterrupt, 'the guest spins with interrupts on');
    const before = machine.save();
    handOver(machine);
    t.equal(machine.irqchip?.view().pics[0].isr, 1 << LINE, 'the 8259 has it in service');
    t.equal(count(machine), 0, 'and the guest has not seen it');
    const between = machine.save();
    await runUntil(machine, () => count(machine) > 0);
    t.equal(count(machine), 1, 'it comes with the next run');
    for (let round = 1; round <= 2; round++) {
      machine.restore(between);
      t.equal(count(machine), 0);
      await runUntil(machine, () => count(machine) > 0);
      t.equal(count(machine), 1, `and after load ${round} once`);
    }
    machine.restore(between);
    machine.restore(before);
    await runUntilEnd(machine, 30);
    t.equal(count(machine), 0, 'a state from before it does not get it');
    handOver(machine);
    machine.vcpus[0].kick();
    machine.restore(before);
    await runUntilEnd(machine, 30);
    t.equal(count(machine), 0, 'nor does it when KVM had just been given it, with a kick left over');
    machine.irqchip?.setLine(LINE, true);
    await runUntil(machine, () => count(machine) > 0);
    t.equal(count(machine), 1, 'but the next one');
    machine.irqchip?.setLine(LINE, false);
    machine.restore(before);
    const plan: RunPlan = { mode: 'continue', waitMicroseconds: 0, fresh: true };
    await runUntilEnd(machine, 20);
    await runUntil(machine, () => machine.vcpus[0].isReadyForInterrupt);
    for (const line of [LINE, URGENT.line]) {
      machine.irqchip?.setLine(line, true);
      machine.irqchip?.setLine(line, false);
      // A run that is over before it has come to KVM_RUN.
      machine.vcpus[0].beforeRun?.(plan);
    }
    t.equal(machine.irqchip?.view().pics[0].isr, 1 << LINE, 'while KVM has one, a more urgent one waits');
    await runUntil(machine, () => count(machine) > 1);
    t.equal(count(machine), 2, 'and both come');
    handOver(machine);
    machine.reset();
    prepare(machine);
    await runUntil(machine, () => machine.vcpus[0].isReadyForInterrupt);
    t.deepEqual([machine.vcpus[0].isReadyForInterrupt, count(machine)], [true, 0], 'and a machine that is reset starts without');
  } finally {
    machine.close();
  }
});

test('a timer that comes by the I/O APIC, where the 8259s are left as they are', async (t) => {
  const machine = Machine.create({ memory: 1 << 20, irqchip: 'split', guest: { name: 'spin', bytes: GUEST, boot: 'flat' } });
  const ioapic = (register: number, value: number): void => {
    for (const [offset, word] of [[0x00n, register], [0x10n, value]] as const) {
      machine.mmio.serve({ reason: 'mmio', isWrite: true, address: 0xfec0_0000n + offset, data: new Uint8Array(Uint32Array.of(word).buffer) });
    }
  };
  const taken: number[] = [];
  try {
    // Input 2: vector 40h, an edge, let through; a rate of 1 kHz.
    ioapic(0x14, 0x40);
    machine.ports.write(0x43, 1, 0x34);
    machine.ports.write(0x40, 1, 0xa9);
    machine.ports.write(0x40, 1, 0x04);
    const { native } = machine.vcpus[0];
    const end = Date.now() + patience(1000);
    for (let tick = 0; tick < 5; tick++) {
      const lapic = native.getLapic();
      setApicRegister(lapic, APIC.spurious, 0x1ff); // software enable
      lapic.fill(0, APIC.request, APIC.request + 0x80);
      native.setLapic(lapic);
      while (apicVectors(native.getLapic(), APIC.request).length === 0 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 2));
      taken.push(...apicVectors(native.getLapic(), APIC.request));
    }
    t.deepEqual(taken, [0x40, 0x40, 0x40, 0x40, 0x40], 'ticks go on that no 8259 lets through');
  } finally {
    machine.close();
  }
});
