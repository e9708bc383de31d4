/**
 * The 8259s' way to the processor where only the local APIC is in the kernel: INTR is LINT0 of the bootstrap processor, and the
 * vector is fetched when it can take it (KVM api.rst, KVM_INTERRUPT, KVM_EXIT_IRQ_WINDOW_OPEN; SDM vol. 3A, 11.5.1, ExtINT).
 */
import { native as binding } from '../native.js';
import { applyCpuState, resetState } from '../reset-state.js';
import type { RunPlan } from '../run-plan.js';
import type { Vcpu } from '../vcpu.js';
import { RFLAGS_IF } from '../../x86/cpu-mode.js';
import { APIC_LVT, apicRegister, setApicRegister } from '../../x86/local-apic.js';

const LVT_EXTINT = 0x700, LVT_DELIVERY = 0x700, LVT_MASKED = 1 << 16;
const APIC_ENABLED = 1n << 11n;
const SCRATCH_STACK = 0x1000n;
/** Of a run that ends when the vector has come; a slow and busy host may need as much. */
const DROP_MICROSECONDS = 50_000, DROP_RUNS = 20;
/** What keeps an interrupt back besides IF, in `struct kvm_vcpu_events`. */
const OTHER_EVENTS = ['exception.injected', 'exception.pending', 'interrupt.injected', 'interrupt.shadow', 'nmi.injected'];

export interface ExternalInterruptSource {
  /** INTR. */
  output(): boolean;
  /** Takes the interrupt; its vector. */
  acknowledge(): number;
}

export class ExternalInterrupt {
  readonly #source: ExternalInterruptSource;
  #vcpu: Vcpu | undefined;
  /** The vector that KVM was given last, and may still have. */
  #given: number | undefined;
  /** The processor's state was replaced, and it has not run since: what its last exit said of it is not true any more. */
  #isReplaced = false;

  constructor(source: ExternalInterruptSource) {
    this.#source = source;
  }

  /** The processor that is interrupted. */
  attach(vcpu: Vcpu): void {
    this.#vcpu = vcpu;
    vcpu.beforeRun = (plan) => this.#offer(vcpu, plan);
  }

  /** INTR may have changed: where it is high, the processor is entered anew and gets it then. */
  changed(): void {
    if (this.#vcpu?.running === true && this.#source.output()) this.#vcpu.kick();
  }

  #offer(vcpu: Vcpu, { debug }: RunPlan): void {
    // A step that holds interrupts back leaves this one with its controller.
    const isHeld = ((debug?.control ?? 0) & binding().constants['KVM_GUESTDBG_BLOCKIRQ']) !== 0;
    const isReady = !this.#isReplaced && vcpu.isReadyForInterrupt;
    if (isReady) this.#given = undefined;
    if (isReady && !isHeld && this.#source.output()) this.#give(vcpu, this.#source.acknowledge());
    vcpu.interruptWindow = !isHeld && this.#source.output();
    this.#isReplaced = false;
  }

  #give(vcpu: Vcpu, vector: number): void {
    this.#given = vector;
    vcpu.native.interrupt(vector);
  }

  /** KVM's vector is the 8259s' again. */
  givenBack(): void {
    this.#given = undefined;
  }

  /** The vector that KVM still has, because the run it was given for was kicked before it began. */
  get undelivered(): number | undefined {
    const vcpu = this.#vcpu;
    if (this.#given === undefined || vcpu === undefined) return undefined;
    return this.#isReplaced || (!vcpu.isReadyForInterrupt && isInterruptible(vcpu)) ? this.#given : undefined;
  }

  /** The processor gets another state: first KVM has the vector that `undelivered` gave of that state, and no other. */
  replace(vector: number | undefined): void {
    const vcpu = this.#vcpu;
    if (vcpu === undefined) return;
    if (this.undelivered !== undefined) drop(vcpu);
    this.#given = undefined;
    this.#isReplaced = true;
    if (vector !== undefined) this.#give(vcpu, vector);
  }
}

/** Nothing in the processor's state keeps an interrupt of the 8259s back (arch/x86/kvm/x86.c, kvm_vcpu_ready_for_interrupt_injection). */
function isInterruptible(vcpu: Vcpu): boolean {
  if ((vcpu.regs.rflags & RFLAGS_IF) === 0n) return false;
  const events = vcpu.native.getVcpuEvents();
  const { fields } = binding().layout['kvm_vcpu_events'];
  if (OTHER_EVENTS.some((name) => events[fields[name].offset] !== 0)) return false;
  if ((vcpu.readSregs().apicBase & APIC_ENABLED) === 0n) return true;
  const lint0 = apicRegister(vcpu.native.getLapic(), APIC_LVT.LVT0);
  return (lint0 & LVT_MASKED) === 0 && (lint0 & LVT_DELIVERY) === LVT_EXTINT;
}

/**
 * KVM takes no vector back, so a processor in a state of its own gets it. What that changes, registers, local APIC and the memory of
 * a stack, is to be set anew.
 */
function drop(vcpu: Vcpu): void {
  while (vcpu.completionPending) vcpu.complete();
  const { regs, sregs } = resetState({ bootstrap: true });
  applyCpuState(vcpu, { regs: { ...regs, rip: 0n, rsp: SCRATCH_STACK, rflags: RFLAGS_IF | 2n }, sregs: { ...sregs, cs: { ...sregs.cs, selector: 0, base: 0n } } });
  const lapic = vcpu.native.getLapic();
  setApicRegister(lapic, APIC_LVT.LVT0, LVT_EXTINT);
  vcpu.native.setLapic(lapic);
  vcpu.mpState = binding().constants['KVM_MP_STATE_RUNNABLE'];
  vcpu.interruptWindow = false;
  // A kick that was left over, or a slow host, ends a run before it begins. The delivery clears IF.
  for (let runs = 0; runs < DROP_RUNS && (vcpu.regs.rflags & RFLAGS_IF) !== 0n; runs++) {
    vcpu.runToExit({ mode: 'step', waitMicroseconds: DROP_MICROSECONDS, fresh: true });
  }
}
