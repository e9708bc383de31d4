/**
 * The processor state that KVM_GET_REGS and KVM_GET_SREGS carry, under KVM's field names
 * (Documentation/virt/kvm/api.rst, `struct kvm_regs`, `struct kvm_sregs`). Plain interfaces: `vmm` implements
 * them as views over an exit record, boot code and tests as object literals.
 */

/** A segment register with its hidden part (SDM vol. 3, 3.4.3; `struct kvm_segment`). */
export interface Segment {
  selector: number;
  base: bigint;
  /** In bytes, already scaled by G. */
  limit: number;
  /** Descriptor type, 4 bits (SDM vol. 3, 3.4.5.1 and 3.5). */
  type: number;
  /** Each a bit, 0 or 1. */
  present: number;
  dpl: number;
  db: number;
  s: number;
  l: number;
  g: number;
  avl: number;
  unusable: number;
}

/** GDTR or IDTR. */
export interface DescriptorTableRegister {
  base: bigint;
  limit: number;
}

export const GENERAL_REGISTER_NAMES = [
  'rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rsp', 'rbp',
  'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15', 'rip', 'rflags',
] as const;
export type GeneralRegisterName = (typeof GENERAL_REGISTER_NAMES)[number];

/** `struct kvm_regs`, unsigned 64-bit values. `rip` is the raw offset in CS, not linear. */
export type GeneralRegisters = Record<GeneralRegisterName, bigint>;

export const SEGMENT_NAMES = ['cs', 'ds', 'es', 'fs', 'gs', 'ss', 'tr', 'ldt'] as const;
export type SegmentName = (typeof SEGMENT_NAMES)[number];

/** `struct kvm_sregs` without the interrupt bitmap. */
export interface SystemRegisters extends Record<SegmentName, Segment> {
  gdt: DescriptorTableRegister;
  idt: DescriptorTableRegister;
  cr0: bigint;
  cr2: bigint;
  cr3: bigint;
  cr4: bigint;
  cr8: bigint;
  efer: bigint;
  apicBase: bigint;
}

export interface CpuState {
  regs: GeneralRegisters;
  sregs: SystemRegisters;
}

/** `struct kvm_debugregs`: DR0–DR3, DR6, DR7. */
export interface DebugRegisters {
  /** DR0..DR3, linear addresses. */
  db: [bigint, bigint, bigint, bigint];
  dr6: bigint;
  dr7: bigint;
}
