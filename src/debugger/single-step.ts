/**
 * One instruction exactly (or as many as stay in a range), on every kind of host, over I/O, HLT, REP, INT n, faults and
 * mode switches (docs/hosts.md has the cases).
 *
 * Nothing is planted for breakpoints while stepping: the native loop compares the pc. What is planted are *traps* at
 * the entries of the handlers that the instruction may enter (step-traps.ts), because on VMX and SVM a handler that
 * is entered from a step runs on freely.
 */
import { classifyExit } from '../breakpoints/classify.js';
import type { DebugCapabilities } from '../breakpoints/capabilities.js';
import type { Exit } from '../vmm/exit.js';
import type { RunPlan } from '../vmm/run-plan.js';
import type { DebugRegisterSlot } from '../x86/debug-registers.js';
import { codeAtExit } from './code-at-exit.js';
import type { CpuView } from './cpu-view.js';
import { guestDebug } from './guest-debug.js';
import { isAtIcebp, reinjection, type RunAgain } from './job.js';
import type { Planting } from './planting.js';
import { isStaleHalt } from './stale-halt.js';
import type { StepTraps } from './step-traps.js';
import { WAIT_MICROSECONDS } from './vcpu-runner.js';

export interface StepRequest {
  readonly blockInterrupts: boolean;
  /** Debug registers of data watchpoints, numbered from 0. */
  readonly dataRegisters: readonly DebugRegisterSlot[];
  /** Step while the linear pc is inside, or until it is one of `until`. */
  readonly range?: { readonly start: bigint; readonly end: bigint } | undefined;
  readonly until?: readonly bigint[] | undefined;
}

export type StepEnd =
  | RunAgain
  /** Nothing has been executed, for a patch stood at the pc that another vCPU needs, or needed: the step is to be made anew. */
  | { readonly kind: 'in-the-way' }
  /** The pc stands where the step led; `handler` when that is the entry of one that the instruction raised or called. */
  | { readonly kind: 'stepped'; readonly handler: boolean; readonly halted: boolean; readonly dataRegisters: number }
  | { readonly kind: 'unknown' };

const IN_THE_WAY = { kind: 'in-the-way' } as const;
const STEPPED = { kind: 'stepped', handler: false, halted: false, dataRegisters: 0 } as const;

export class SingleStep {
  constructor(
    private readonly view: CpuView,
    private readonly capabilities: DebugCapabilities,
    private readonly traps: StepTraps,
    private readonly planting: Planting,
    private readonly request: StepRequest,
  ) {}

  begin(): RunPlan {
    const { range, until, blockInterrupts, dataRegisters } = this.request;
    const trapRegisters = this.traps.plant(dataRegisters.length);
    return {
      mode: 'step',
      debug: guestDebug({
        step: true,
        interceptInt3: this.traps.mechanism === 'int3',
        debugRegisters: [...dataRegisters, ...trapRegisters],
        blockInterrupts: blockInterrupts && this.capabilities.blockIrq,
      }),
      range,
      until,
      fixPushf: this.capabilities.pushfLeaksTf,
      endLateSteps: this.capabilities.stepsEndLate,
      waitMicroseconds: WAIT_MICROSECONDS,
      fresh: true,
    };
  }

  ended(exit: Exit): StepEnd {
    if (exit.reason === 'plan-done') {
      // Software KVM runs one instruction of the handler before it reports the step; it was our hlt.
      const entry = this.traps.enteredBehind(this.view.pc);
      return entry === undefined ? STEPPED : this.enteredHandler(entry);
    }
    const hit = classifyExit({
      exit,
      ...codeAtExit(this.view, this.planting),
      stepping: true,
      isStaleHalt: () => isStaleHalt(this.view, undefined),
      debugRegisters: this.traps.debugRegisterMask | this.dataMask,
    });
    switch (hit.kind) {
      case 'patch':
        if (this.traps.isEntered(hit.address)) return this.enteredHandler(hit.address);
        this.view.pc = hit.address;
        return IN_THE_WAY;
      case 'lifted-patch':
        return IN_THE_WAY;
      case 'debug-register': {
        const dataRegisters = hit.registers & this.dataMask;
        return (hit.registers & this.traps.debugRegisterMask) !== 0 ? this.enteredHandler(this.view.pc, dataRegisters) : { ...STEPPED, dataRegisters };
      }
      case 'guest-int3':
        return { kind: 'again', ...reinjection(this.view, hit.refused), plan: this.reinject('int3') };
      case 'step':
        // The native loop has met an INT1 that VMX does not step over: nothing else ends a step without a cause in DR6.
        return isAtIcebp(this.view) ? { kind: 'again', ...reinjection(this.view, true), plan: this.reinject('debug') } : STEPPED;
      case 'stale-halt':
        return STEPPED;
      default:
        // HLT is a finished step (docs/hosts.md); a write that is watched, too.
        if (exit.reason === 'hlt') return { ...STEPPED, halted: true };
        return exit.reason === 'mmio' ? STEPPED : { kind: 'unknown' };
    }
  }

  finish(): void {
    this.traps.lift();
  }

  private get dataMask(): number {
    return (1 << this.request.dataRegisters.length) - 1;
  }

  private enteredHandler(entry: bigint, dataRegisters = 0): StepEnd {
    this.view.pc = entry;
    this.view.invalidate();
    this.traps.lift();
    this.traps.clearPushedTrapFlag();
    return { kind: 'stepped', handler: true, halted: false, dataRegisters };
  }

  /** The guest's own int3 or INT1 was taken from it by the intercept of our traps, or by the step: deliver it; the trap at its handler stays. */
  private reinject(inject: 'int3' | 'debug'): RunPlan {
    return {
      mode: 'continue',
      debug: guestDebug({ interceptInt3: true, debugRegisters: this.traps.debugRegisters, inject }),
      waitMicroseconds: WAIT_MICROSECONDS,
      fresh: true,
    };
  }
}
