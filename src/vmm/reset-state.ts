/**
 * The processor after power-up or reset: SDM vol. 3A, 10.1.1, table "IA-32 and Intel 64 Processor States Following
 * Power-up, Reset, or INIT". Its first instruction is at FFFF_FFF0H (CS.base FFFF_0000H + IP FFF0H).
 */
import type { CpuState, DebugRegisters, GeneralRegisters, Segment, SystemRegisters } from '../x86/cpu-state.js';

/** CR0 after reset: CD, NW and ET. */
const RESET_CR0 = 0x6000_0010n;
/** xAPIC enabled at FEE0_0000H; bit 8 marks the bootstrap processor (SDM vol. 3A, 11.4.4). */
const APIC_BASE = 0xfee0_0800n;
const APIC_BASE_BSP = 1n << 8n;

export const RESET_DEBUG_REGISTERS: Readonly<DebugRegisters> = { db: [0n, 0n, 0n, 0n], dr6: 0xffff_0ff0n, dr7: 0x400n };

/** What differs between processors. */
export interface ResetOptions {
  /** CPUID.1:EAX, which EDX holds after reset. */
  readonly signature?: number;
  /** False for an application processor. */
  readonly bootstrap?: boolean;
}

/** A segment as real mode has it: base = selector × 16, limit 64 KiB, present, read/write, accessed. */
export function realModeSegment(selector: number, change: Partial<Segment> = {}): Segment {
  return {
    selector, base: BigInt(selector) << 4n, limit: 0xffff, type: 0x3,
    present: 1, dpl: 0, db: 0, s: 1, l: 0, g: 0, avl: 0, unusable: 0, ...change,
  };
}

/** All eighteen registers zero but RFLAGS, whose bit 1 is always set. */
export function zeroGeneralRegisters(): GeneralRegisters {
  return {
    rax: 0n, rbx: 0n, rcx: 0n, rdx: 0n, rsi: 0n, rdi: 0n, rsp: 0n, rbp: 0n,
    r8: 0n, r9: 0n, r10: 0n, r11: 0n, r12: 0n, r13: 0n, r14: 0n, r15: 0n, rip: 0n, rflags: 2n,
  };
}

/** A fresh copy of the table's general and system registers. */
export function resetState(options: ResetOptions = {}): CpuState {
  const regs: GeneralRegisters = { ...zeroGeneralRegisters(), rip: 0xfff0n, rdx: BigInt(options.signature ?? 0x600) };
  const sregs: SystemRegisters = {
    // VMX refuses a real-mode code segment of the table's type 3 (data); KVM and QEMU use 11, code.
    cs: realModeSegment(0xf000, { base: 0xffff_0000n, type: 0xb }),
    ds: realModeSegment(0), es: realModeSegment(0), fs: realModeSegment(0), gs: realModeSegment(0), ss: realModeSegment(0),
    // Present system segments: a busy TSS (VMX takes no other) and an LDT.
    tr: realModeSegment(0, { type: 0xb, s: 0 }),
    ldt: realModeSegment(0, { type: 0x2, s: 0 }),
    gdt: { base: 0n, limit: 0xffff },
    idt: { base: 0n, limit: 0xffff },
    cr0: RESET_CR0, cr2: 0n, cr3: 0n, cr4: 0n, cr8: 0n, efer: 0n,
    apicBase: APIC_BASE | (options.bootstrap === false ? 0n : APIC_BASE_BSP),
  };
  return { regs, sregs };
}

/** What `applyCpuState` needs of a vCPU; class Vcpu fits. */
export interface CpuStateTarget {
  readonly regs: GeneralRegisters;
  writeSregs(change: Partial<SystemRegisters>): void;
}

/** Puts general and system registers into a vCPU that is not running. */
export function applyCpuState(vcpu: CpuStateTarget, state: CpuState): void {
  Object.assign(vcpu.regs, state.regs);
  vcpu.writeSregs(state.sregs);
}
