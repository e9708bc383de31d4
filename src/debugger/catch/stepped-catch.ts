/**
 * What no KVM offers an exit for: CPUID, a change of the CPU mode, and HLT where it does not leave KVM. Each instruction
 * is decoded before it is stepped, and afterwards the processor is compared with what it was.
 */
import { RFLAGS_IF } from '../../x86/cpu-mode.js';
import { decode, LONGEST_INSTRUCTION, type DecodedInstruction } from '../../x86/instruction-decode.js';
import type { CpuView } from '../cpu-view.js';
import type { CatchKind, CatchpointSet } from './catchpoint-set.js';

export interface SteppedHit {
  readonly kind: CatchKind;
  readonly sentence: string;
}

interface Before {
  readonly instruction: DecodedInstruction | undefined;
  readonly rip: bigint;
  /** `0x7c10 (real16)` */
  readonly where: string;
  readonly mode: string;
  readonly rax: bigint;
  readonly rcx: bigint;
}

export class SteppedCatch {
  private last: Before | undefined;

  constructor(private readonly view: CpuView, private readonly catchpoints: CatchpointSet) {}

  /** The instruction at the pc is about to be stepped. */
  before(): void {
    const { view } = this;
    const { rip, rax, rcx } = view.vcpu.regs;
    const instruction = decode(view.memory.read(view.pc, LONGEST_INSTRUCTION), view.mode.operandBits, view.pc);
    this.last = { instruction, rip, where: view.where, mode: view.mode.name, rax, rcx };
  }

  /** What the step did, of what is to be caught. */
  after(): SteppedHit | undefined {
    const { last } = this;
    this.last = undefined;
    return last === undefined ? undefined : this.instructionHit(last) ?? this.modeHit(last);
  }

  private instructionHit(last: Before): SteppedHit | undefined {
    const { instruction } = last;
    if (instruction === undefined || !this.catchpoints.all.some(({ what }) => what.kind === instruction.kind)) return undefined;
    // One that faulted did not run.
    if (this.view.vcpu.regs.rip !== last.rip + BigInt(instruction.length)) return undefined;
    if (instruction.kind === 'hlt') return { kind: 'hlt', sentence: haltSentence(this.view, last.where) };
    if (instruction.kind !== 'cpuid') return undefined;
    const { rax, rbx, rcx, rdx } = this.view.vcpu.regs;
    return {
      kind: 'cpuid',
      sentence: `cpu${this.view.vcpu.id}: CPUID at ${last.where}, leaf ${hex32(last.rax)}, subleaf ${hex32(last.rcx)}: ` +
        `eax ${hex32(rax)}, ebx ${hex32(rbx)}, ecx ${hex32(rcx)}, edx ${hex32(rdx)}.`,
    };
  }

  private modeHit(last: Before): SteppedHit | undefined {
    const { mode, vcpu, where } = this.view;
    if (mode.name === last.mode || !this.catchpoints.has('mode-switch')) return undefined;
    const by = last.instruction === undefined ? '' : ` by ${last.instruction.mnemonic.toUpperCase()}`;
    return { kind: 'mode-switch', sentence: `cpu${vcpu.id}: from ${last.mode} to ${mode.name}${by} at ${last.where}; the next instruction is at ${where}.` };
  }
}

/** The vCPU has executed a HLT at `where`. */
export function haltSentence(view: CpuView, where: string): string {
  const open = (view.vcpu.regs.rflags & RFLAGS_IF) !== 0n;
  return `cpu${view.vcpu.id}: HLT at ${where}, with interrupts ${open ? 'enabled' : 'disabled'}.`;
}

function hex32(value: bigint): string {
  return `0x${BigInt.asUintN(32, value).toString(16)}`;
}
