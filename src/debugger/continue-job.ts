/**
 * `continue` on one vCPU: plans the breakpoints, plants them, and tells a hit from the guest's own int3, #DB and HLT.
 * What no mechanism of the host finds is found by stepping all the way.
 *
 * A run that begins at a breakpoint begins with a stop there, by whatever mechanism: a client that wants to leave one
 * steps off it, as gdb does.
 */
import { classifyExit } from '../breakpoints/classify.js';
import type { Breakpoint } from '../breakpoints/breakpoint-set.js';
import type { DebugCapabilities } from '../breakpoints/capabilities.js';
import type { Exit } from '../vmm/exit.js';
import { RFLAGS_RF } from '../x86/cpu-mode.js';
import { codeAtExit } from './code-at-exit.js';
import { MappingLook, type Planned } from './breakpoint-planning.js';
import { planLine, type DebugLog } from './debug-log.js';
import type { GuestDebugRequest } from './guest-debug.js';
import {
  caughtStop, isAtIcebp, reinjection, type Job, type JobResult, type JobStart, type JobStop, type RunAgain, type RunAlone,
} from './job.js';
import type { JobOptions } from './job-options.js';
import { isRunnable } from './mp-state.js';
import { Passing } from './passing.js';
import { PlannedRun } from './planned-run.js';
import { queueDebug } from './queued-debug.js';
import type { SingleStep } from './single-step.js';
import { FreeRunHalts } from './stale-halt.js';
import { failedOnProtectedPage, hangsOnProtectedPage, stepOff, stepOn } from './step-off.js';
import { Watching } from './watching.js';

export interface ContinueJobOptions extends JobOptions {
  /** Called only when there are breakpoints: the probe costs time. */
  readonly capabilities: () => DebugCapabilities;
  /** The host's patches are int3. */
  readonly interceptsInt3: () => boolean;
  /** There is a local APIC in the kernel: HLT and SIPI are waited for there. */
  readonly haltsInKernel: boolean;
  /** The pages of patches are write-protected, so that none is overwritten. */
  readonly guardsPatches: () => boolean;
  /** Told when the guest has mapped a planted breakpoint's address to another page. */
  readonly moved: (breakpoint: Breakpoint) => void;
  readonly log: DebugLog;
}

/**
 * What the vCPU is doing: running with everything planted; stepping off a breakpoint that does not stop; stepping all the
 * way; stepping an instruction whose write to a protected page KVM's emulator cannot carry out.
 */
type Phase = 'run' | 'pass' | 'walk' | 'unprotected';

export class ContinueJob implements Job {
  private phase: Phase = 'run';
  private plan: Planned | undefined;
  private planned: PlannedRun;
  private watching: Watching | undefined;
  private step: SingleStep | undefined;
  /** Handlers of caught exceptions, as they are planned. */
  private entries: readonly Breakpoint[] = [];
  private readonly passing = new Passing();
  private readonly halts: FreeRunHalts;
  private readonly mapping = new MappingLook();

  constructor(private readonly options: ContinueJobOptions) {
    const { view, memo, haltsInKernel, capabilities } = options;
    this.planned = this.runOf(undefined);
    this.halts = new FreeRunHalts(view, memo, haltsInKernel, () => capabilities().faultStep === 'handler');
  }

  plant(): void {
    this.prepare();
    if (this.plan !== undefined || this.options.catching.needsSteps) this.options.planting.expectPatches();
    this.plantPlan();
  }

  begin(): JobStart {
    const { breakpoints, catching, haltsInKernel, memo, view: { pc, vcpu } } = this.options;
    const leaves = catching.leavesEntry() && breakpoints.executionAt(pc) === undefined;
    const isDone = memo.dealtWith === pc;
    memo.dealtWith = undefined;
    if (leaves || isDone) return this.pass();
    // One that waits in HLT or for SIPI does not execute yet what its pc stands at.
    return this.isPlace(pc) && !(haltsInKernel && !isRunnable(vcpu)) ? this.arriveAt(pc) : this.go();
  }

  get needsLooks(): boolean {
    const plants = this.plan !== undefined && this.plan.patches.length + this.plan.guards.length > 0;
    // A run that is stepped does not come to such a halt.
    return this.phase === 'run' && (plants || (this.halts.mayBeHidden && !this.planned.isStepped));
  }

  ended(exit: Exit): JobResult {
    if (this.phase !== 'run') return this.stepped(exit);
    const { view } = this.options;
    if (exit.reason === 'plan-done') return this.arriveAt(exit.pc);
    if (exit.reason === 'mmio') return this.written();
    if (failedOnProtectedPage(exit, this.options.planting)) return this.stepIn('unprotected');
    const hit = classifyExit({
      exit,
      ...codeAtExit(view, this.options.planting),
      stepping: this.planned.isStepped,
      isStaleHalt: () => this.halts.isStale(),
      debugRegisters: this.planned.debugRegisterMask,
    });
    switch (hit.kind) {
      case 'patch':
        view.pc = hit.address;
        return this.arriveAt(hit.address);
      case 'debug-register':
        return this.watching?.touched(this.planned.dataMask(hit.registers)) ?? this.arriveAt(view.pc);
      case 'guest-int3':
        return { ...this.run('int3'), ...reinjection(view, hit.refused) };
      case 'guest-debug':
        view.vcpu.mergeDr6(hit.dr6);
        // An INT1 is met again.
        return { ...this.run('debug'), instead: () => { queueDebug(view.vcpu); }, ...reinjection(view, hit.dr6 === 0n && isAtIcebp(view)) };
      case 'stale-halt':
      case 'lifted-patch':
        return this.run();
      default:
        return exit.reason === 'hlt' ? this.halted() : { kind: 'unknown' };
    }
  }

  renewed(): RunAgain | RunAlone | undefined {
    const { catching, view } = this.options;
    if (this.phase !== 'run') return undefined;
    view.invalidate();
    this.halts.look();
    if (hangsOnProtectedPage(view, this.options.planting)) return this.stepIn('unprotected');
    const moved = this.plan === undefined ? undefined : this.mapping.moved(this.plan, view, (gpa) => this.options.planting.guard.patches.standsAt(gpa));
    if (moved !== undefined) this.options.moved(moved);
    else if (!catching.entriesChanged) return undefined;
    return this.replan();
  }

  finish(): void {
    const { memo, planting, view } = this.options;
    // (Else what `begin` has not taken stays: perhaps it was not called.)
    memo.dealtWith = this.passing.cutAt(view.pc, () => this.isUnderWay) ?? memo.dealtWith;
    this.step?.finish();
    planting.lift();
  }

  /** Of what was run last nothing has been executed yet. */
  private get isUnderWay(): boolean {
    const { vcpu } = this.options.view;
    if (this.phase !== 'run') return this.step !== undefined;
    return this.planned.isStepped ? vcpu.steps === 0n : (vcpu.regs.rflags & RFLAGS_RF) !== 0n;
  }

  private prepare(): void {
    const { breakpoints, catching, plan, view, planting, log } = this.options;
    this.entries = catching.entries;
    const wanted = [...breakpoints.all, ...this.entries];
    this.plan = wanted.length === 0 ? undefined : plan(wanted);
    this.planned = this.runOf(this.plan);
    if (this.plan === undefined) {
      this.watching = undefined;
      return;
    }
    log.breakpoint?.(planLine(this.plan));
    this.watching = new Watching(view, planting, this.plan);
    if (this.options.guardsPatches()) planting.guardPatches(this.plan, this);
  }

  private runOf(plan: Planned | undefined): PlannedRun {
    return new PlannedRun(plan, () => {
      const { pushfLeaksTf, stepsEndLate } = this.options.capabilities();
      return { until: this.options.breakpoints.executionAddresses(), fixPushf: pushfLeaksTf, endLateSteps: stepsEndLate };
    });
  }

  /** Every instruction is stepped and looked at: for watches, and where a handler would run on unseen. */
  private get walks(): boolean {
    const stepped = this.planned.isStepped && (this.options.capabilities().faultStep === 'free' || this.entries.length > 0);
    return stepped || this.watching?.needsSteps === true || this.options.catching.needsSteps;
  }

  /** Plants the plan and runs to what was planted. */
  private go(): RunAgain | RunAlone {
    this.plantPlan();
    if (this.walks) return this.stepIn('walk');
    this.phase = 'run';
    return this.run();
  }

  private plantPlan(): void {
    this.watching?.plant(this);
    if (this.walks || this.planned.isStepped) return;
    for (const patch of this.plan?.patches ?? []) this.options.planting.guard.patches.plant(patch, this);
  }

  private run(inject?: GuestDebugRequest['inject']): RunAgain {
    this.halts.runs();
    this.options.memo.interruptible = true;
    return { kind: 'again', plan: this.planned.run(inject, this.options.planting.hasOthersPatches && this.options.interceptsInt3()) };
  }

  /** The client's breakpoint at `address`; or a patch that was reached by another linear address. */
  private arriveAt(address: bigint): JobStart {
    return this.stopAt(address) ?? this.pass();
  }

  private stopAt(address: bigint): JobStop | undefined {
    const { breakpoints, arrive, catching, view } = this.options;
    const reached = breakpoints.allExecutionAt(address);
    const stop = reached.length === 0 ? undefined : arrive(reached, view);
    const sentence = catching.arrived();
    return sentence === undefined ? stop : caughtStop({ sentence }, stop);
  }

  /** A HLT of the guest's own, not stepped. */
  private halted(): JobResult {
    const caught = this.options.catching.halted();
    return caught === undefined ? { kind: 'halted' } : { ...caughtStop(caught), halted: true };
  }

  /** On, past what is planted at the pc. */
  private pass(): RunAgain | RunAlone {
    return this.passing.leaves(this.options.view.pc, this.wayPast());
  }

  private wayPast(): RunAgain | RunAlone {
    const { capabilities, planting, view } = this.options;
    // The native loop looks at the pc only after a step.
    if (this.walks || this.planned.isStepped) return this.go();
    this.plantPlan();
    if (!capabilities().resumeFlag || planting.blocks(view)) return this.stepIn('pass');
    this.phase = 'run';
    view.vcpu.regs.rflags |= RFLAGS_RF;
    return this.run();
  }

  private stepIn(wanted: Phase): RunAgain | RunAlone {
    const { makeStep, planting, catching, view } = this.options;
    const phase = this.phase = hangsOnProtectedPage(view, planting) ? 'unprotected' : wanted;
    view.invalidate();
    return stepOff(view, planting, () => {
      this.step = makeStep({ blockInterrupts: false, dataRegisters: this.planned.dataRegisters });
      if (phase !== 'pass') this.watching?.beforeStep(phase === 'unprotected');
      catching.beforeStep();
      return this.step.begin();
    }, phase === 'unprotected');
  }

  private stepped(exit: Exit): JobResult {
    const { view, planting, catching } = this.options;
    if (planting.undo(view)) return this.anew('unprotected');
    const end = (this.step as SingleStep).ended(exit);
    if (end.kind === 'again') return stepOn(end);
    if (end.kind === 'in-the-way') return this.anew(this.phase);
    if (end.kind !== 'stepped') return end;
    (this.step as SingleStep).finish();
    this.step = undefined;
    this.passing.done();
    planting.restore();
    view.invalidate();
    const touched = this.watching?.touchedByStep(end);
    const caught = catching.afterStep();
    if (caught !== undefined) return caughtStop(caught, touched);
    if (touched !== undefined) return touched;
    if (planting.takeStrayed(view.vcpu)) return this.replan();
    if (end.halted) return { kind: 'halted' };
    return this.isPlace(view.pc) ? this.arriveAt(view.pc) : this.go();
  }

  /** There is a breakpoint of the client's, or the handler of a caught exception. */
  private isPlace(pc: bigint): boolean {
    return this.options.breakpoints.executionAt(pc) !== undefined || this.entries.some(({ address }) => address === pc);
  }

  /** A write to a protected page ended the run: it was watched, or the page cannot stay protected. */
  private written(): JobResult {
    const { planting, view } = this.options;
    if (planting.undo(view)) return this.anew('unprotected');
    const touched = this.watching?.touched(0);
    if (touched !== undefined) return touched;
    return planting.takeStrayed(view.vcpu) ? this.replan() : this.run();
  }

  /** What has not been executed, or was undone: a locked instruction natively (`unprotected`), so that it locks. */
  private anew(phase: Phase): RunAgain | RunAlone {
    this.step?.finish();
    this.options.planting.restore();
    return this.stepIn(phase);
  }

  private replan(): RunAlone {
    return this.options.planting.replan(this, () => {
      this.prepare();
      return this.go();
    });
  }
}
