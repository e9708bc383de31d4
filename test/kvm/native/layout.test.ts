/** The layouts that the C++ compiler reports, against those of x86-64 Linux that never change (uapi/asm/kvm.h). */
import test from 'tape';
import { native } from '../../../src/vmm/native.js';

const SIZES: Readonly<Record<string, number>> = {
  kvm_regs: 144, kvm_segment: 24, kvm_dtable: 16, kvm_sregs: 312, kvm_sregs2: 320, kvm_guest_debug: 72, kvm_debugregs: 128,
  kvm_vcpu_events: 64, kvm_cpuid_entry2: 40, kvm_msr_entry: 16, kvm_xcr: 16, kvm_xcrs: 392, kvm_xsave: 4096,
  kvm_lapic_state: 1024, kvm_irqchip: 520, kvm_pit_state2: 112, kvm_clock_data: 48,
};
const OFFSETS: readonly [struct: string, field: string, offset: number, size: number][] = [
  ['kvm_regs', 'rax', 0, 8], ['kvm_regs', 'rsp', 0x30, 8], ['kvm_regs', 'r8', 0x40, 8], ['kvm_regs', 'rip', 0x80, 8], ['kvm_regs', 'rflags', 0x88, 8],
  ['kvm_segment', 'base', 0, 8], ['kvm_segment', 'limit', 8, 4], ['kvm_segment', 'selector', 12, 2], ['kvm_segment', 'type', 14, 1],
  ['kvm_sregs', 'cs', 0, 24], ['kvm_sregs', 'gdt', 192, 16], ['kvm_sregs', 'idt', 208, 16], ['kvm_sregs', 'cr0', 224, 8],
  ['kvm_sregs', 'cr3', 240, 8], ['kvm_sregs', 'efer', 264, 8],
  ['kvm_debugregs', 'dr6', 32, 8], ['kvm_debugregs', 'dr7', 40, 8],
];

test('the structs of the kernel have their known sizes and offsets', (t) => {
  const { layout } = native();
  for (const [name, size] of Object.entries(SIZES)) t.equal(layout[name]?.size, size, name);
  for (const [name, field, offset, size] of OFFSETS) t.deepEqual(layout[name]?.fields[field], { offset, size }, `${name}.${field}`);
  t.end();
});
