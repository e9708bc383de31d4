/**
 * `continue` on one vCPU: plans the breakpoints, plants them, and tells a hit from the guest's own int3, #DB and HLT.
 * What no mechanism of the host finds is found by stepping all the way.
 */
import { classifyExit } from '../breakpoints/classify.js';
import type { Breakpoint, BreakpointSet } from '../breakpoints/breakpoint-set.js';
import type { DebugCapabilities } from '../breakpoints/capabilities.js';
import type { PatchMechanism } from '../breakpoints/planner.js';
import type { Exit } from '../vmm/exit.js';
import type { RunPlan } from '../vmm/run-plan.js';
import { RFLAGS_RF } from '../x86/cpu-mode.js';
import { movedFrom, type Planned } from './breakpoint-planning.js';
import type { CpuView } from './cpu-view.js';
import type { CpuCatching } from './catch/cpu-catching.js';
import { planLine, type DebugLog } from './debug-log.js';
import { guestDebug, type GuestDebugRequest } from './guest-debug.js';
import { caughtStop, reinjection, type Arrive, type Job, type JobResult } from './job.js';
import type { Planting } from './planting.js';
import type { SingleStep, StepRequest } from './single-step.js';
import { WAIT_MICROSECONDS } from './vcpu-runner.js';
import { Watching } from './watching.js';

export interface ContinueJobOptions {
  readonly view: CpuView;
  readonly breakpoints: BreakpointSet;
  /** Called only when there are breakpoints: the probe costs time. */
  readonly capabilities: () => DebugCapabilities;
  readonly planting: Planting;
  /** Throws TargetError when the planner refuses one. */
  readonly plan: (breakpoints: readonly Breakpoint[]) => Planned;
  readonly makeStep: (request: StepRequest) => SingleStep;
  readonly arrive: Arrive;
  readonly catching: CpuCatching;
  /** The pages of patches are write-protected, so that none is overwritten. */
  readonly guardsPatches: () => boolean;
  /** Told when the guest has mapped a planted breakpoint's address to another page. */
  readonly moved: (breakpoint: Breakpoint) => void;
  /** Where this vCPU's last job was stopped while it stepped off a breakpoint that had been dealt with. */
  readonly cut: { at: bigint | undefined };
  readonly log: DebugLog;
}

/**
 * What the vCPU is doing: running with everything planted; stepping off a breakpoint that does not stop; stepping all the
 * way; stepping an instruction whose write to a protected page KVM's emulator cannot carry out.
 */
type Phase = 'run' | 'pass' | 'walk' | 'unprotected';

const INTERNAL_ERROR_EMULATION = 1;
const MAPPING_LOOK_MILLISECONDS = 4;

export class ContinueJob implements Job {
  private phase: Phase = 'run';
  private plan: Planned | undefined;
  private watching: Watching | undefined;
  private step: SingleStep | undefined;
  /** Handlers of caught exceptions, as they are planned. */
  private entries: readonly Breakpoint[] = [];
  private lookedAt = performance.now();

  constructor(private readonly options: ContinueJobOptions) {}

  begin(): RunPlan {
    const { breakpoints, catching, plan, view, planting, log } = this.options;
    this.entries = catching.entries;
    const wanted = [...breakpoints.all, ...this.entries];
    this.plan = wanted.length === 0 ? undefined : plan(wanted);
    if (this.plan !== undefined) log.breakpoint?.(planLine(this.plan));
    this.watching = this.plan === undefined ? undefined : new Watching(view, planting, this.plan);
    if (this.plan !== undefined && this.options.guardsPatches()) planting.guardPatches(this.plan);
    const run = this.go();
    const leaves = catching.leavesEntry() && breakpoints.allExecutionAt(view.pc).length === 0;
    const goesOn = this.options.cut.at === view.pc;
    this.options.cut.at = undefined;
    return (leaves || goesOn) && this.phase === 'run' && !this.walksNatively ? this.nextStep('pass') : run;
  }

  get needsLooks(): boolean {
    return this.phase === 'run' && this.plan !== undefined && this.plan.patches.length + this.plan.guards.length > 0;
  }

  ended(exit: Exit): JobResult {
    if (this.phase !== 'run') return this.stepped(exit);
    const { view } = this.options;
    if (exit.reason === 'plan-done') return this.arriveAt(exit.pc);
    if (exit.reason === 'mmio') return this.written();
    if (this.failedOnProtectedPage(exit)) return this.beginStep('unprotected');
    const hit = classifyExit({
      exit,
      pc: view.pc,
      stepping: this.walksNatively,
      patchAt: (linear) => this.patchAt(linear),
      byteAt: (linear) => view.memory.read(linear, 1)[0],
      debugRegisters: this.debugRegisterMask,
    });
    switch (hit.kind) {
      case 'patch':
        view.pc = hit.address;
        return this.arriveAt(hit.address);
      case 'debug-register':
        return this.watching?.touched(this.dataMask(hit.registers)) ?? this.arriveAt(view.pc);
      case 'guest-int3':
        return { kind: 'again', ...reinjection(view, hit.refused), plan: this.run({ ...this.request, inject: 'int3' }) };
      case 'guest-debug':
        view.vcpu.mergeDr6(hit.dr6);
        return { kind: 'again', plan: this.run({ ...this.request, inject: 'debug' }) };
      case 'stale-halt':
        return { kind: 'again', plan: this.run(this.request) };
      default:
        return exit.reason === 'hlt' ? this.halted() : { kind: 'unknown' };
    }
  }

  renewed(): RunPlan | undefined {
    const { catching, planting, view } = this.options;
    if (this.phase !== 'run') return undefined;
    view.invalidate();
    const moved = this.moved();
    if (moved !== undefined) this.options.moved(moved);
    else if (!catching.entriesChanged) return undefined;
    // While another vCPU runs no slot can be changed, and its patches must stand.
    return planting.hasOneVcpu ? this.replan() : this.begin();
  }

  /** A breakpoint whose address has been mapped anew; looked up now and then, for it takes a page walk for each. */
  private moved(): Breakpoint | undefined {
    const now = performance.now();
    if (this.plan === undefined || now - this.lookedAt < MAPPING_LOOK_MILLISECONDS) return undefined;
    this.lookedAt = now;
    return movedFrom(this.plan, this.options.view, (gpa) => this.options.planting.guard.patches.standsAt(gpa));
  }

  finish(): void {
    if (this.phase === 'pass' && this.step !== undefined) this.options.cut.at = this.options.view.pc;
    this.step?.finish();
    this.options.planting.lift();
  }

  /** Every instruction is stepped and looked at: for watches, and where a handler would run on unseen. */
  private get walks(): boolean {
    const stepped = this.walksNatively && (this.options.capabilities().faultStep === 'free' || this.entries.length > 0);
    return stepped || this.watching?.needsSteps === true || this.options.catching.needsSteps;
  }

  /** The native loop steps and compares the pc. */
  private get walksNatively(): boolean {
    return (this.plan?.stepped.length ?? 0) > 0;
  }

  /** Plants the plan and gives the run that reaches what was planted. */
  private go(): RunPlan {
    this.watching?.plant();
    if (this.walks) return this.nextStep('walk');
    this.phase = 'run';
    if (!this.walksNatively) for (const patch of this.plan?.patches ?? []) this.options.planting.guard.plant(patch);
    return this.run(this.request);
  }

  private get request(): GuestDebugRequest {
    if (this.plan === undefined) return {};
    return {
      interceptInt3: this.plan.patches.some(({ mechanism }) => mechanism === 'int3'),
      debugRegisters: this.plan.debugRegisters.map(({ index, address, length, type }) => ({ index, address, type, length })),
    };
  }

  private run(request: GuestDebugRequest): RunPlan {
    if (!this.walksNatively) return { mode: 'continue', debug: guestDebug(request), waitMicroseconds: WAIT_MICROSECONDS, fresh: true };
    const { breakpoints, capabilities } = this.options;
    return {
      mode: 'step',
      debug: guestDebug({
        step: true, debugRegisters: this.watching?.dataRegisters ?? [],
        ...(request.inject !== undefined && { inject: request.inject }),
      }),
      until: breakpoints.executionAddresses(),
      fixPushf: capabilities().pushfLeaksTf,
      waitMicroseconds: WAIT_MICROSECONDS,
      fresh: true,
    };
  }

  private get debugRegisterMask(): number {
    if (this.walksNatively) return this.dataMask(0xf);
    return (1 << (this.plan?.debugRegisters.length ?? 0)) - 1;
  }

  /** From the debug registers as they are planned to those of the watches alone; while stepping these are all there are. */
  private dataMask(fired: number): number {
    if (this.walksNatively) return fired & ((1 << (this.watching?.dataRegisters.length ?? 0)) - 1);
    let mask = 0;
    let data = 0;
    for (const { index, type } of this.plan?.debugRegisters ?? []) {
      if (type === 'execute') continue;
      if ((fired & (1 << index)) !== 0) mask |= 1 << data;
      data++;
    }
    return mask;
  }

  private patchAt(linear: bigint): PatchMechanism | undefined {
    const { view, planting } = this.options;
    const gpa = view.memory.physical(linear);
    if (gpa === undefined || !planting.guard.patches.standsAt(gpa)) return undefined;
    return this.plan?.patches[0]?.mechanism;
  }

  /** The client's breakpoint at `address`; or a patch that was reached by another linear address. */
  private arriveAt(address: bigint): JobResult {
    return this.stopAt(address) ?? this.pass();
  }

  private stopAt(address: bigint): JobResult | undefined {
    const { breakpoints, arrive, catching, view } = this.options;
    const reached = breakpoints.allExecutionAt(address);
    const stop = reached.length === 0 ? undefined : arrive(reached, view);
    const caught = catching.arrived();
    return caught === undefined ? stop : caughtStop(caught, stop);
  }

  /** A HLT of the guest's own, not stepped. */
  private halted(): JobResult {
    const caught = this.options.catching.halted();
    return caught === undefined ? { kind: 'halted' } : { kind: 'stop', reason: { kind: 'step' }, text: caught, halted: true };
  }

  /** On, past what is planted at the pc. */
  private pass(): JobResult {
    const { capabilities, view } = this.options;
    // The native loop looks at the pc only after a step.
    if (this.walksNatively) return { kind: 'again', plan: this.run(this.request) };
    if (!capabilities().resumeFlag || this.isPatched(view.pc)) return this.beginStep('pass');
    view.vcpu.regs.rflags |= RFLAGS_RF;
    return { kind: 'again', plan: this.run(this.request) };
  }

  private isPatched(linear: bigint): boolean {
    return this.plan?.patches.some(({ breakpoint }) => breakpoint.address === linear) === true || this.patchAt(linear) !== undefined;
  }

  private beginStep(phase: Phase): JobResult {
    if (phase === 'unprotected') this.options.planting.unprotect();
    this.options.view.invalidate();
    return { kind: 'again', plan: this.nextStep(phase) };
  }

  private nextStep(phase: Phase): RunPlan {
    const { makeStep, planting, catching } = this.options;
    this.phase = phase;
    planting.guard.patches.liftAll();
    this.step = makeStep({ blockInterrupts: false, dataRegisters: this.watching?.dataRegisters ?? [] });
    if (phase !== 'pass') this.watching?.beforeStep(phase === 'unprotected');
    catching.beforeStep();
    return this.step.begin();
  }

  private stepped(exit: Exit): JobResult {
    const { view, planting, catching } = this.options;
    const from = this.phase;
    const end = (this.step as SingleStep).ended(exit);
    if (end.kind !== 'stepped') return end;
    (this.step as SingleStep).finish();
    this.step = undefined;
    view.invalidate();
    const touched = this.watching?.touchedByStep(end);
    if (from === 'unprotected') planting.protect();
    const caught = catching.afterStep();
    if (caught !== undefined) return caughtStop(caught, touched);
    if (touched !== undefined) return touched;
    if (planting.takeStrayed(view.vcpu)) return this.replanned();
    if (end.halted) return { kind: 'halted' };
    const stop = from === 'pass' ? undefined : this.stopAt(view.pc);
    return stop ?? { kind: 'again', plan: this.go() };
  }

  /** A write to a protected page ended the run: it was watched, or the page cannot stay protected. */
  private written(): JobResult {
    const { planting, view } = this.options;
    const touched = this.watching?.touched(0);
    if (touched !== undefined) return touched;
    if (planting.takeStrayed(view.vcpu)) return this.replanned();
    return { kind: 'again', plan: this.run(this.request) };
  }

  private replanned(): JobResult {
    return { kind: 'again', plan: this.replan() };
  }

  private replan(): RunPlan {
    this.options.planting.lift();
    const plan = this.begin();
    this.options.planting.protect();
    return plan;
  }

  /** KVM's emulator has no such store (x87, AVX). No slot can be changed while another vCPU runs. */
  private failedOnProtectedPage(exit: Exit): boolean {
    return exit.reason === 'internal-error' && exit.suberror === INTERNAL_ERROR_EMULATION && this.options.planting.canUnprotect;
  }
}
