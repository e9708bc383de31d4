/**
 * `stepi` and range steps on one vCPU: exactly one instruction (or as many as stay in the range), on every kind of
 * host, over I/O, HLT, REP, INT n, faults and mode switches (docs/hosts.md has the cases).
 *
 * Nothing is planted for breakpoints while stepping: the native loop compares the pc. What is planted are *traps* at
 * the entries of the handlers that the instruction may enter (step-traps.ts), because on VMX and SVM a handler that
 * is entered from a step runs on freely.
 */
import { classifyExit } from '../breakpoints/classify.js';
import type { BreakpointSet } from '../breakpoints/breakpoint-set.js';
import type { DebugCapabilities } from '../breakpoints/capabilities.js';
import type { Exit } from '../vmm/exit.js';
import type { RunPlan } from '../vmm/run-plan.js';
import type { CpuView } from './cpu-view.js';
import { guestDebug } from './guest-debug.js';
import { breakpointStop, type Job, type JobResult } from './job.js';
import type { StepTraps } from './step-traps.js';
import { WAIT_MICROSECONDS } from './vcpu-runner.js';

export interface StepRange {
  /** Linear, inclusive. */
  readonly start: bigint;
  /** Linear, exclusive. */
  readonly end: bigint;
}

export interface StepJobOptions {
  readonly range?: StepRange;
  readonly blockInterrupts: boolean;
}

const STEPPED: JobResult = { kind: 'stop', reason: { kind: 'step' } };

export class StepJob implements Job {
  constructor(
    private readonly view: CpuView,
    private readonly breakpoints: BreakpointSet,
    private readonly capabilities: DebugCapabilities,
    private readonly traps: StepTraps,
    private readonly options: StepJobOptions,
  ) {}

  begin(): RunPlan {
    const { range, blockInterrupts } = this.options;
    const debugRegisters = this.traps.plant();
    return {
      mode: 'step',
      debug: guestDebug({
        step: true,
        interceptInt3: this.traps.mechanism === 'int3',
        debugRegisters,
        blockInterrupts: blockInterrupts && this.capabilities.blockIrq,
      }),
      ...(range === undefined ? { maxSteps: 1 } : { range, until: this.breakpoints.executionAddresses(range) }),
      fixPushf: this.capabilities.pushfLeaksTf,
      waitMicroseconds: WAIT_MICROSECONDS,
      fresh: true,
    };
  }

  ended(exit: Exit): JobResult {
    if (exit.reason === 'plan-done') {
      // Software KVM runs one instruction of the handler before it reports the step; it was our hlt.
      const entry = this.traps.enteredBehind(this.view.pc);
      return entry === undefined ? this.done(exit.pc) : this.enteredHandler(entry);
    }
    const hit = classifyExit({
      exit,
      pc: this.view.pc,
      stepping: true,
      patchAt: (linear) => this.traps.mechanismAt(linear),
      byteAt: (linear) => this.view.memory.read(linear, 1)[0],
      debugRegisters: this.traps.debugRegisterMask,
    });
    switch (hit.kind) {
      case 'patch':
        return this.enteredHandler(hit.address);
      case 'debug-register':
        return this.enteredHandler(this.view.pc);
      case 'guest-int3':
        if (hit.refused) this.view.pc += 1n;
        return { kind: 'again', plan: this.reinject() };
      case 'step':
        return STEPPED;
      default:
        // HLT is a finished step (docs/hosts.md).
        return exit.reason === 'hlt' ? STEPPED : { kind: 'unknown' };
    }
  }

  finish(): void {
    this.traps.lift();
  }

  /** A range step that met a breakpoint says so; any other end is a step. */
  private done(pc: bigint): JobResult {
    if (this.options.range === undefined) return STEPPED;
    const breakpoint = this.breakpoints.executionAt(pc);
    return breakpoint === undefined ? STEPPED : breakpointStop(breakpoint);
  }

  private enteredHandler(entry: bigint): JobResult {
    this.view.pc = entry;
    this.view.invalidate();
    this.traps.lift();
    this.traps.clearPushedTrapFlag();
    return STEPPED;
  }

  /** The guest's own int3 was taken from it by the intercept of our traps: deliver it; the trap at its handler stays. */
  private reinject(): RunPlan {
    return {
      mode: 'continue',
      debug: guestDebug({ interceptInt3: true, debugRegisters: this.traps.debugRegisters, inject: 'int3' }),
      waitMicroseconds: WAIT_MICROSECONDS,
      fresh: true,
    };
  }
}
