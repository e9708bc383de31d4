/**
 * `continue` on one vCPU: plans the breakpoints, plants them, and tells a hit from the guest's own int3, #DB and HLT.
 */
import { classifyExit } from '../breakpoints/classify.js';
import type { Breakpoint, BreakpointSet } from '../breakpoints/breakpoint-set.js';
import type { DebugCapabilities } from '../breakpoints/capabilities.js';
import type { PlantedPatches } from '../breakpoints/patches.js';
import {
  planBreakpoints, type BreakpointPlan, type PatchMechanism, type PlanContext, type WantedBreakpoint,
} from '../breakpoints/planner.js';
import { TargetError } from '../target.js';
import type { Exit } from '../vmm/exit.js';
import type { RunPlan } from '../vmm/run-plan.js';
import type { CpuView } from './cpu-view.js';
import { planLine, type DebugLog } from './debug-log.js';
import { guestDebug, type GuestDebugRequest } from './guest-debug.js';
import { breakpointStop, type Job, type JobResult } from './job.js';
import { WAIT_MICROSECONDS } from './vcpu-runner.js';

export type Planned = BreakpointPlan<WantedBreakpoint & { readonly breakpoint: Breakpoint }>;

/** Plans a set of breakpoints for the processor as it stands. Throws TargetError with the planner's reason. */
export function planFor(
  breakpoints: readonly Breakpoint[], view: CpuView, capabilities: DebugCapabilities, context: PlanContext,
): Planned {
  const wanted = breakpoints.map((breakpoint) => ({
    kind: breakpoint.kind, address: breakpoint.address, length: breakpoint.length, breakpoint,
    physical: view.memory.physicalRam(breakpoint.address),
  }));
  const plan = planBreakpoints(wanted, capabilities, context);
  if ('refused' in plan) {
    throw new TargetError(`A breakpoint at 0x${plan.refused.address.toString(16)} cannot be made to stop: ${plan.reason}`);
  }
  return plan;
}

/** Throws TargetError from `begin` when the planner refuses a breakpoint. */
export class ContinueJob implements Job {
  private plan: Planned | undefined;
  private passing = false;

  constructor(
    private readonly view: CpuView,
    private readonly breakpoints: BreakpointSet,
    private readonly capabilities: () => DebugCapabilities,
    private readonly context: PlanContext,
    private readonly patches: PlantedPatches,
    private readonly log: DebugLog = {},
  ) {}

  begin(): RunPlan {
    if (this.breakpoints.all.length === 0) return this.run({});
    this.plan = planFor(this.breakpoints.all, this.view, this.capabilities(), this.context);
    this.log.breakpoint?.(planLine(this.plan));
    return this.plant();
  }

  ended(exit: Exit): JobResult {
    if (this.passing) return this.passed(exit);
    if (exit.reason === 'plan-done') return this.stopAt(exit.pc);
    const hit = classifyExit({
      exit,
      pc: this.view.pc,
      stepping: this.steps,
      patchAt: (linear) => this.patchAt(linear),
      byteAt: (linear) => this.view.memory.read(linear, 1)[0],
      debugRegisters: (1 << (this.plan?.debugRegisters.length ?? 0)) - 1,
    });
    switch (hit.kind) {
      case 'patch':
        this.view.pc = hit.address;
        return this.stopAt(hit.address);
      case 'debug-register':
        return this.stopAt(this.view.pc);
      case 'guest-int3':
        if (hit.refused) this.view.pc += 1n;
        return { kind: 'again', plan: this.run({ ...this.request, inject: 'int3' }) };
      case 'guest-debug':
        this.view.vcpu.mergeDr6(hit.dr6);
        return { kind: 'again', plan: this.run({ ...this.request, inject: 'debug' }) };
      default:
        return exit.reason === 'hlt' ? { kind: 'halted' } : { kind: 'unknown' };
    }
  }

  finish(): void {
    this.patches.liftAll();
  }

  private get steps(): boolean {
    return this.plan !== undefined && this.plan.stepped.length > 0;
  }

  /** Plants the plan's patches and gives the run that reaches them. */
  private plant(): RunPlan {
    if (!this.steps) for (const patch of this.plan?.patches ?? []) this.patches.plant(patch);
    return this.run(this.request);
  }

  private get request(): GuestDebugRequest {
    const plan = this.plan;
    if (plan === undefined) return {};
    return {
      interceptInt3: plan.patches.some(({ mechanism }) => mechanism === 'int3'),
      debugRegisters: plan.debugRegisters.map(({ index, address, length, type }) => ({
        index, address, type, length: length as 1 | 2 | 4 | 8,
      })),
    };
  }

  private run(request: GuestDebugRequest): RunPlan {
    const waitMicroseconds = WAIT_MICROSECONDS;
    if (!this.steps) return { mode: 'continue', debug: guestDebug(request), waitMicroseconds, fresh: true };
    return {
      mode: 'step',
      debug: guestDebug({ step: true, ...(request.inject !== undefined && { inject: request.inject }) }),
      until: this.breakpoints.executionAddresses(),
      fixPushf: this.capabilities().pushfLeaksTf,
      waitMicroseconds,
      fresh: true,
    };
  }

  private patchAt(linear: bigint): PatchMechanism | undefined {
    const gpa = this.view.memory.physical(linear);
    if (gpa === undefined || !this.patches.standsAt(gpa)) return undefined;
    return this.plan?.patches[0]?.mechanism;
  }

  /** The breakpoint at `address`, or a patch that was reached by another linear address: step past it in silence. */
  private stopAt(address: bigint): JobResult {
    const breakpoint = this.breakpoints.executionAt(address);
    return breakpoint === undefined ? this.pass() : breakpointStop(breakpoint);
  }

  private pass(): JobResult {
    this.patches.liftAll();
    this.passing = true;
    const plan: RunPlan = {
      mode: 'step', debug: guestDebug({ step: true }), maxSteps: 1, fixPushf: this.capabilities().pushfLeaksTf,
      waitMicroseconds: WAIT_MICROSECONDS, fresh: true,
    };
    return { kind: 'again', plan };
  }

  private passed(exit: Exit): JobResult {
    if (exit.reason !== 'plan-done') return { kind: 'unknown' };
    this.passing = false;
    this.view.invalidate();
    return { kind: 'again', plan: this.plant() };
  }
}
