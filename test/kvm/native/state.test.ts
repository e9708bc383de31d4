import test from 'tape';
import { native, type NativeVcpu } from '../../../src/vmm/native.js';
import { CONTINUE, MEMORY_SIZE, thrown, withGuest } from './real-mode-guest.js';

type Pair = readonly [name: string, get: (vcpu: NativeVcpu) => Uint8Array, set: (vcpu: NativeVcpu, bytes: Uint8Array) => void, change: readonly [field: string, value: bigint] | undefined];

/** Each `change` is one 64-bit field that may take any value. */
const PAIRS: readonly Pair[] = [
  ['kvm_regs', (v) => v.getRegs(), (v, b) => v.setRegs(b), ['r15', 0x1122_3344_5566_7788n]],
  ['kvm_sregs', (v) => v.getSregs(), (v, b) => v.setSregs(b), ['cr2', 0x1234_5678n]],
  ['kvm_sregs2', (v) => v.getSregs2(), (v, b) => v.setSregs2(b), ['cr2', 0x8765_4321n]],
  ['kvm_debugregs', (v) => v.getDebugregs(), (v, b) => v.setDebugregs(b), ['db', 0x7000n]],
  ['kvm_vcpu_events', (v) => v.getVcpuEvents(), (v, b) => v.setVcpuEvents(b), undefined],
  ['kvm_xsave', (v) => v.getXsave(), (v, b) => v.setXsave(b), undefined],
  ['kvm_xcrs', (v) => v.getXcrs(), (v, b) => v.setXcrs(b), undefined],
];

for (const [name, get, set, change] of PAIRS) {
  test(`${name} round-trips and its length is checked`, (t) => withGuest([0xf4], (guest) => {
    const vcpu = guest.vcpu.native;
    const before = get(vcpu);
    if (change !== undefined) {
      const { offset } = native().layout[name].fields[change[0]];
      new DataView(before.buffer).setBigUint64(offset, change[1], true);
    }
    set(vcpu, before);
    t.equal(Buffer.compare(get(vcpu), before), 0);
    if (name !== 'kvm_xsave') t.equal(before.length, native().layout[name].size);
    for (const wrong of [new Uint8Array(0), before.subarray(1)]) {
      t.equal(thrown(() => set(vcpu, wrong)).code, 'ERR_ARGUMENT');
    }
    t.equal(thrown(() => set(vcpu, 'text' as unknown as Uint8Array)).code, 'ERR_ARGUMENT');
    t.equal(guest.run().reason, 'hlt');
  }));
}

test('a register written to the view and one set by ioctl are both there, the later wins', (t) => withGuest([0xf4], (guest) => {
  guest.vcpu.regs.r14 = 14n;
  guest.vcpu.writeSregs({ cr2: 0x99n });
  t.equal(guest.vcpu.regs.r14, 14n, 'the ioctl leaves what waits in the view');
  t.equal(guest.vcpu.readSregs().cr2, 0x99n);
  t.equal(guest.run().reason, 'hlt');
  t.equal(guest.vcpu.regs.r14, 14n);
  t.throws(() => { guest.vcpu.readSregs().cr2 = 1n; }, /writeSregs/);
}));

test('CR8 that is set holds over a run', (t) => withGuest([0xf4], (guest) => {
  guest.vcpu.writeSregs({ cr8: 5n });
  t.equal(guest.run().reason, 'hlt');
  t.equal(guest.vcpu.readSregs().cr8, 5n);
}));

test('MSRs', (t) => withGuest([0xf4], (guest) => {
  const { native: vcpu } = guest.vcpu;
  vcpu.setMsrs(Uint32Array.of(0x174, 0x175, 0x176), BigUint64Array.of(8n, 0x1000n, 0x2000n));
  t.deepEqual([...vcpu.getMsrs(Uint32Array.of(0x176, 0x174))], [0x2000n, 8n]);
  vcpu.setMsrs(Uint32Array.of(0xc000_0100), BigUint64Array.of(0x4567n));
  t.equal(guest.vcpu.readSregs().fs.base, 0x4567n, 'FS base is in the system registers at once');
  const unknown = thrown(() => vcpu.getMsrs(Uint32Array.of(0x174, 0x4b564dff)));
  t.match(unknown.message, /0x4b564dff/);
  t.equal(unknown.code, 'ERR_ARGUMENT');
  t.equal(thrown(() => vcpu.setMsrs(Uint32Array.of(1), new BigUint64Array(0))).code, 'ERR_ARGUMENT');
  t.equal(vcpu.getMsrs(new Uint32Array(1000).fill(0x174)).length, 1000, 'more than one ioctl takes');
}));

test('CPUID, MP state, TSC', (t) => withGuest([0xf4], (guest) => {
  const { native: vcpu } = guest.vcpu;
  const table = guest.system.getSupportedCpuid();
  const { size } = native().layout['kvm_cpuid_entry2'];
  t.ok(table.length > 0 && table.length % size === 0);
  vcpu.setCpuid2(table);
  t.equal(vcpu.getCpuid2().length, table.length);
  t.equal(thrown(() => vcpu.setCpuid2(table.subarray(1))).code, 'ERR_ARGUMENT');
  t.equal(thrown(() => vcpu.setCpuid2(new Uint8Array(size * 1000))).code, 'E2BIG');
  t.equal(guest.vcpu.mpState, native().constants['KVM_MP_STATE_RUNNABLE']);
  guest.vcpu.mpState = native().constants['KVM_MP_STATE_RUNNABLE'];
  t.ok(vcpu.getTscKhz() > 0);
  t.ok(guest.system.getMsrIndexList().includes(0x174));
  t.ok(guest.system.getMsrFeatureIndexList().length >= 0);
}));

test('typed state of the wrapper', (t) => withGuest([0xf4], (guest) => {
  const { vcpu } = guest;
  vcpu.debugRegisters = { db: [1n, 2n, 3n, 4n], dr6: 0xffff_0ff0n, dr7: 0x400n };
  t.deepEqual(vcpu.debugRegisters.db, [1n, 2n, 3n, 4n]);
  vcpu.mergeDr6(1n);
  t.equal(vcpu.debugRegisters.dr6, 0xffff_0ff1n);
  t.equal(vcpu.xcr0 & 1n, 1n);
  vcpu.xcr0 = 1n;
  t.equal(vcpu.xcr0, 1n);
  const xsave = vcpu.xsave.slice();
  xsave[0] = 0x7e; // FCW
  xsave[512] = 1; // XSTATE_BV: x87
  vcpu.xsave = xsave;
  t.equal(vcpu.xsave[0], 0x7e);
  const { regs, sregs } = vcpu.copyRegisters();
  vcpu.regs.rbx = 77n;
  vcpu.restoreRegisters(regs, sregs);
  t.notEqual(vcpu.regs.rbx, 77n);
}));

test('irqchip, PIT, clock and LAPIC', (t) => {
  const { constants, layout } = native();
  const system = native().openSystem();
  const vm = system.createVm();
  vm.createIrqchip();
  vm.createPit2(constants['KVM_PIT_SPEAKER_DUMMY']);
  for (const chip of [0, 1, 2]) {
    const state = vm.getIrqchip(chip);
    t.equal(state.length, layout['kvm_irqchip'].size);
    vm.setIrqchip(state);
  }
  vm.setPit2(vm.getPit2());
  const clock = vm.getClock();
  new DataView(clock.buffer).setUint32(layout['kvm_clock_data'].fields['flags'].offset, 0, true);
  vm.setClock(clock);
  vm.irqLine(4, true);
  vm.irqLine(4, false);
  const vcpu = vm.createVcpu(0);
  const lapic = vcpu.getLapic();
  vcpu.setLapic(lapic);
  t.equal(Buffer.compare(vcpu.getLapic(), lapic), 0);
  t.match(thrown(() => vm.createIrqchip()).message, /already|before the first vCPU/);
  t.match(thrown(() => vcpu.interrupt(0x20)).message, /IRQ line/);
  t.equal(thrown(() => vcpu.interrupt(256)).code, 'ERR_ARGUMENT');
  vcpu.nmi();
  system.close();
  t.end();
});

test('KVM_INTERRUPT delivers a vector', (t) => withGuest([0xfb, 0x90, 0x90, 0xeb, 0xfc], (guest) => {
  // IVT entry 0x20 → 0:0x2000, a HLT.
  new DataView(guest.memory.buffer).setUint32(0x20 * 4, 0x2000, true);
  guest.bytes[0x2000] = 0xf4;
  guest.vcpu.regs.rflags = 0x202n;
  guest.vcpu.native.interrupt(0x20);
  t.equal(guest.run().reason, 'hlt');
  t.equal(guest.vcpu.regs.rip, 0x2001n);
}));

test('translate', (t) => withGuest([0xf4], (guest) => {
  t.deepEqual(guest.vcpu.native.translate(0x1234n), { physical: 0x1234n, valid: true });
}));

test('an interrupt line reaches the PIC and the IOAPIC by the routes that were set, an MSI the local APIC', (t) => {
  const system = native().openSystem();
  const vm = system.createVm();
  vm.createIrqchip();
  const vcpu = vm.createVcpu(0);
  const { constants, layout } = native();
  const { size, fields } = layout['kvm_irq_routing_entry'];
  const routes = new Uint8Array(2 * size);
  const view = new DataView(routes.buffer);
  [[constants['KVM_IRQCHIP_PIC_MASTER'], 3], [constants['KVM_IRQCHIP_IOAPIC'], 17]].forEach(([chip, pin], i) => {
    view.setUint32(i * size + fields['gsi'].offset, 5, true);
    view.setUint32(i * size + fields['type'].offset, constants['KVM_IRQ_ROUTING_IRQCHIP'], true);
    view.setUint32(i * size + fields['u.irqchip.irqchip'].offset, chip, true);
    view.setUint32(i * size + fields['u.irqchip.pin'].offset, pin, true);
  });
  vm.setGsiRouting(routes);
  vm.irqLine(5, true);
  const chip = layout['kvm_irqchip'].fields['chip'].offset;
  t.equal(vm.getIrqchip(0)[chip + layout['kvm_pic_state'].fields['irr'].offset], 1 << 3, 'PIC input 3');
  t.equal(thrown(() => vm.setGsiRouting(routes.subarray(1))).code, 'ERR_ARGUMENT');

  const SOFTWARE_ENABLE = 0x1ff;
  const lapic = vcpu.getLapic();
  new DataView(lapic.buffer).setUint32(0xf0, SOFTWARE_ENABLE, true);
  vcpu.setLapic(lapic);
  t.equal(vm.signalMsi(0xfee0_0000n, 0x51), true);
  t.equal(new DataView(vcpu.getLapic().buffer).getUint32(0x200 + 0x20, true), 1 << 0x11, 'IRR has vector 51');
  system.close();
  t.end();
});

test('the TSC offset moves the guest\'s TSC, whatever the difference, or never', (t) => withGuest([0xf4], (guest) => {
  const vcpu = guest.vcpu.native;
  if (!vcpu.hasTscOffset()) {
    t.match(thrown(() => vcpu.getTscOffset()).message, /./, 'Linux before 5.16 refuses it');
    return;
  }
  const TSC = Uint32Array.of(0x10);
  const moved = [1n << 32n, 1n << 40n].map((cycles) => {
    const [before] = vcpu.getMsrs(TSC);
    vcpu.setTscOffset(BigInt.asUintN(64, vcpu.getTscOffset() - cycles));
    const [after] = vcpu.getMsrs(TSC);
    const passed = BigInt.asIntN(64, after - before);
    t.ok(passed >= -cycles && passed < -cycles + (1n << 32n) || passed >= 0n && passed < 1n << 32n, 'by so much, or not at all');
    return passed < 0n;
  });
  // A KVM without hardware virtualization lets the guest read the host's TSC.
  t.equal(new Set(moved).size, 1, `the TSC ${moved[0] ? 'can' : 'cannot'} be set on this host`);
}));

test('nested state, where the host has it, and kvmclock, which this guest has not', (t) => withGuest([0xf4], (guest) => {
  const vcpu = guest.vcpu.native;
  const state = vcpu.getNestedState();
  t.equal(state.length > 0, guest.vm.checkExtension(native().constants['KVM_CAP_NESTED_STATE']) > 0);
  if (state.length > 0) vcpu.setNestedState(state);
  t.equal(thrown(() => vcpu.setNestedState(new Uint8Array(3))).code, 'ERR_ARGUMENT');
  t.equal(vcpu.kvmclockStopped(), false);
}));

test('memory slots are checked', (t) => withGuest([0xf4], (guest) => {
  const { vm, memory } = guest;
  const set = (address: bigint, offset: number, size: number, slot = 1): string | undefined =>
    thrown(() => vm.setMemorySlot(slot, 0, address, memory, offset, size)).code;
  t.equal(set(0x10_0000n, 0, MEMORY_SIZE + 4096), 'ERR_ARGUMENT', 'beyond its memory');
  t.equal(set(0x10_0000n, 4096, MEMORY_SIZE), 'ERR_ARGUMENT', 'beyond it from an offset');
  t.equal(set(0x10_0000n, 2 ** 53 - 4096, 4096), 'ERR_ARGUMENT', 'an absurd offset');
  t.equal(set(0x10_0001n, 0, 4096), 'ERR_ARGUMENT', 'not on a page');
  t.equal(set(0x10_0000n, 0, 0), 'ERR_ARGUMENT', 'empty');
  t.equal(set(0xffff_ffff_ffff_f000n, 0, 8192), 'ERR_ARGUMENT', 'around the end of the address space');
  t.equal(set(0n, 0, 4096), 'EEXIST', 'over another slot');
  t.equal(thrown(() => vm.removeMemorySlot(9)).code, 'ERR_ARGUMENT');
  t.equal(thrown(() => vm.setMemorySlot(1, 0, 0n, {} as never, 0, 4096)).code, 'ERR_ARGUMENT');
  t.match(thrown(() => memory.close()).message, /in use by 1 memory slot:/);
  t.equal(thrown(() => native().allocateMemory(4097)).code, 'ERR_ARGUMENT');
  t.equal(thrown(() => native().allocateMemory(2 ** 40)).code, 'ERR_ARGUMENT');
}));

test('the dirty log tells the pages that were written', (t) => withGuest([0xc6, 0x06, 0x00, 0x50, 0x99, 0xf4], (guest) => {
  guest.vm.setMemorySlot(0, native().constants['KVM_MEM_LOG_DIRTY_PAGES'], 0n, guest.memory, 0, MEMORY_SIZE);
  t.equal(guest.run(CONTINUE).reason, 'hlt');
  const log = guest.vm.getDirtyLog(0);
  t.equal(log.length, MEMORY_SIZE / 4096 / 8);
  t.equal((log[0]) & (1 << 5), 1 << 5);
  t.deepEqual([...guest.vm.getDirtyLog(0)], [0, 0], 'cleared by reading');
  guest.vm.setMemorySlot(0, 0, 0n, guest.memory, 0, MEMORY_SIZE);
  t.equal(thrown(() => guest.vm.getDirtyLog(0)).code, 'ENOENT');
}));

test('resident and discard', (t) => {
  const memory = native().allocateMemory(1 << 24);
  t.equal(memory.resident(), 0);
  new Uint8Array(memory.buffer)[5] = 9;
  t.ok(memory.resident() >= 4096);
  t.notEqual(memory.hostAddress, 0n);
  memory.discard();
  t.equal(new Uint8Array(memory.buffer)[5], 0);
  memory.close();
  t.equal(memory.buffer.byteLength, 0);
  t.end();
});
