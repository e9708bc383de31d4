/**
 * An interrupt that KVM had taken from the 8259s, but not delivered, when a stop came: a step leaves it to them. When a stop comes just
 * then cannot be arranged, so the state that KVM is in afterwards is made by hand.
 */
import test from 'tape';
import type { IrqchipState } from '../../../src/vmm/irqchip/irqchip-state.js';
import type { Machine } from '../../../src/vmm/machine.js';
import { native } from '../../../src/vmm/native.js';
import { GuestUnderDebug, hostCapabilities } from './guest-under-debug.js';
import { NOP } from './machine-code.js';
import { patience } from '../../time-scale.js';

const COUNT = 0x600, HANDLER = 0x7d00;
const CASCADE = 2, PIC_INPUTS = 8;
/** Master at vectors 8 to 15, slave at 70h to 77h; IRQ 3 and 10 let in. */
const BASES = [0x08, 0x70] as const;
const out = (port: number, value: number): number[] => [0xb0, value, 0xe6, port];
const SETUP = [
  0xfa, ...out(0x20, 0x11), ...out(0x21, BASES[0]), ...out(0x21, 1 << CASCADE), ...out(0x21, 0x01), ...out(0x21, 0xf3),
  ...out(0xa0, 0x11), ...out(0xa1, BASES[1]), ...out(0xa1, CASCADE), ...out(0xa1, 0x01), ...out(0xa1, 0xfb), 0xfb, // sti
];
/** 1: inc ax; nop; jmp 1b */
const LOOP = [0x40, NOP, 0xeb, 0xfc];

/** What the 8259s hold, master and slave, when each input of `inputs` is in service instead of requested. */
function inService(state: IrqchipState, inputs: readonly [number, number]): IrqchipState {
  if ('chips' in state) {
    const { layout } = native();
    const at = (field: string): number => layout['kvm_irqchip'].fields['chip'].offset + layout['kvm_pic_state'].fields[field].offset;
    inputs.forEach((bits, i) => {
      state.chips[i][at('irr')] &= ~bits;
      state.chips[i][at('isr')] |= bits;
    });
    return state;
  }
  const devices = state.devices.map((device, i) => {
    if (i > 1) return device;
    const bits = inputs[1 - i]; // the slave comes first
    return { ...device, irr: Number(device['irr']) & ~bits, isr: Number(device['isr']) | bits };
  });
  return { ...state, devices };
}

/** As KVM leaves it: the interrupt is acknowledged, and the vCPU is to be given its vector. */
function accept(machine: Machine, irq: number): void {
  const { irqchip, vcpus: [vcpu] } = machine;
  if (irqchip === undefined) throw new Error('no interrupt controllers');
  irqchip.setLine(irq, true);
  irqchip.setLine(irq, false);
  const isSlaves = irq >= PIC_INPUTS, bit = 1 << irq % PIC_INPUTS;
  irqchip.restore(inService(irqchip.save(), isSlaves ? [1 << CASCADE, bit] : [bit, 0]));
  const { fields } = native().layout['kvm_vcpu_events'];
  const events = vcpu.native.getVcpuEvents();
  events[fields['interrupt.injected'].offset] = 1;
  events[fields['interrupt.nr'].offset] = BASES[isSlaves ? 1 : 0] + irq % PIC_INPUTS;
  vcpu.native.setVcpuEvents(events);
}

const pics = ({ irqchip }: Machine): unknown => irqchip?.view().pics.map(({ irr, isr }) => ({ irr, isr }));

for (const irqchip of ['kernel', 'split'] as const) {
  for (const irq of [3, 10]) {
    test(`IRQ ${irq} that was taken when a stop came waits for continue, --irqchip ${irqchip}`, async (t) => {
      const guest = new GuestUnderDebug('real', [...SETUP, ...LOOP], undefined, undefined, { irqchip });
      try {
        for (const vector of [BASES[0] + 3, BASES[1] + 2]) guest.poke(4 * vector, [HANDLER & 0xff, HANDLER >> 8, 0, 0]);
        // push ax; inc word [COUNT]; EOI for both; pop ax; iret
        guest.poke(HANDLER, [0x50, 0xff, 0x06, COUNT & 0xff, COUNT >> 8, ...out(0xa0, 0x20), ...out(0x20, 0x20), 0x58, 0xcf]);
        const loop = SETUP.length;
        guest.break(loop);
        await guest.continue();
        guest.unbreak(loop);
        accept(guest.machine, irq);
        if (!hostCapabilities().blockIrq) {
          t.pass('this host cannot hold interrupts back, and doctor says so');
          return;
        }
        await guest.step();
        t.equal(guest.offset, loop + 1, 'the step stays where its user is');
        t.deepEqual(pics(guest.machine), irq === 3 ? [{ irr: 8, isr: 0 }, { irr: 0, isr: 0 }] : [{ irr: 4, isr: 0 }, { irr: 4, isr: 0 }], 'requested again');
        await guest.step();
        t.equal(guest.offset, loop + 2);
        t.equal(guest.bytes(COUNT, 1)[0], 0, 'not served yet');
        for (const end = Date.now() + patience(3000); guest.bytes(COUNT, 1)[0] === 0 && Date.now() < end;) {
          setTimeout(() => guest.target.interrupt(), 15);
          await guest.continue();
        }
        t.equal(guest.bytes(COUNT, 1)[0], 1, 'served, once, when the guest goes on');
        t.deepEqual(pics(guest.machine), [{ irr: 0, isr: 0 }, { irr: 0, isr: 0 }]);
      } finally {
        guest.close();
      }
    });
  }

  test(`a level that is over when its interrupt is given back is not requested again, --irqchip ${irqchip}`, async (t) => {
    const elcr = [0xba, 0xd1, 0x04, 0xb0, 1 << 2, 0xee]; // mov dx, 4d1h; mov al, IRQ 10; out dx, al
    const guest = new GuestUnderDebug('real', [...SETUP, ...elcr, ...LOOP], undefined, undefined, { irqchip });
    try {
      const loop = SETUP.length + elcr.length;
      guest.break(loop);
      await guest.continue();
      guest.unbreak(loop);
      accept(guest.machine, 10);
      if (!hostCapabilities().blockIrq) {
        t.pass('this host cannot hold interrupts back, and doctor says so');
        return;
      }
      await guest.step();
      t.equal(guest.offset, loop + 1);
      const [, slave] = guest.machine.irqchip?.view().pics ?? [];
      t.deepEqual([slave?.irr, slave?.isr], [0, 0]);
    } finally {
      guest.close();
    }
  });
}
