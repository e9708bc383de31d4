/** Makes the job for a resume action: the client's breakpoints, this host's mechanisms and one vCPU brought together. */
import type { Breakpoint, BreakpointSet } from '../breakpoints/breakpoint-set.js';
import type { DebugCapabilities } from '../breakpoints/capabilities.js';
import { isWatch, patchMechanism, type Mechanism, type PlanContext } from '../breakpoints/planner.js';
import { TargetError, type ResumeAction, type StepOptions, type ThreadId } from '../target.js';
import type { Machine } from '../vmm/machine.js';
import { decodeDr7 } from '../x86/debug-registers.js';
import { giveBackAccepted } from './accepted-interrupt.js';
import type { Catching } from './catch/catching.js';
import { planFor, type Planned } from './breakpoint-planning.js';
import { ContinueJob, type ContinueJobOptions } from './continue-job.js';
import { NOTHING_KNOWN, type CpuMemo } from './cpu-memo.js';
import type { CpuView } from './cpu-view.js';
import type { DebugLog } from './debug-log.js';
import { type Arrive, type Job } from './job.js';
import { prepareStep } from './mp-state.js';
import { Planting } from './planting.js';
import { SingleStep } from './single-step.js';
import { StepJob } from './step-job.js';
import { HandlerCache, StepTraps } from './step-traps.js';

export interface JobMakerOptions {
  readonly machine: Machine;
  /** By vCPU. */
  readonly views: readonly CpuView[];
  readonly breakpoints: BreakpointSet;
  readonly capabilities: () => DebugCapabilities;
  /** Absent: everything that the host has. */
  readonly mechanisms?: ReadonlySet<Mechanism>;
  readonly stepOptions: StepOptions;
  readonly arrive: Arrive;
  readonly catching: Catching;
  /** Text for gdb's console while the guest runs. */
  readonly say: (text: string) => void;
  readonly log: DebugLog;
}

export class JobMaker {
  readonly planting: Planting;
  private readonly handlers: readonly HandlerCache[];
  private userModeSaid = false;
  private slowSaid = false;
  private unseenSaid = false;
  private unreadableSaid = false;
  private movedSaid = false;
  /** By vCPU; made once, for a step is to make as little as possible. */
  private readonly parts: readonly ContinueJobOptions[];

  constructor(private readonly options: JobMakerOptions) {
    this.planting = new Planting(options.machine, options.views, options.say);
    this.handlers = options.views.map(() => new HandlerCache());
    this.parts = options.views.map((view) => this.partsFor(view));
  }

  /** The machine's state is another one now: what was known of it does not hold. */
  reset(): void {
    this.planting.reset();
    for (const { memo } of this.parts) Object.assign(memo, NOTHING_KNOWN);
  }

  /** Throws TargetError when the action is not possible on this host. */
  make(action: ResumeAction): Job {
    const { capabilities, machine, stepOptions } = this.options;
    const parts = this.parts[action.thread - 1];
    const { memo, view } = parts;
    if (action.kind === 'continue') {
      this.warnOfUserMode(view);
      return new ContinueJob(parts);
    }
    memo.dealtWith = undefined;
    if (machine.localApic) prepareStep(view.vcpu);
    if (!capabilities().userStep && view.cpl === 3 && view.mode.isLong) {
      throw new TargetError("This host's KVM runs CPL 3 code in long mode without looking at debug settings, so it cannot be stepped; continue, or step on a host with VMX or SVM");
    }
    return new StepJob(parts, stepOptions.noIrq, action.kind === 'range-step' ? action : undefined);
  }

  private partsFor(view: CpuView): ContinueJobOptions {
    const { breakpoints, arrive, catching, capabilities, machine, mechanisms, log } = this.options;
    const { id } = view.vcpu;
    const memo: CpuMemo = { ...NOTHING_KNOWN };
    const context = this.planContext(() => this.guestUsesDebugRegisters(view));
    return {
      view, breakpoints, arrive, memo, planting: this.planting, catching: catching.cpus[id],
      plan: (wanted) => this.planAndSay(wanted, view, context),
      makeStep: (request) => {
        if (request.blockInterrupts && memo.interruptible && machine.irqchip !== undefined) giveBackAccepted(view.vcpu, machine.irqchip);
        memo.interruptible = !request.blockInterrupts;
        memo.stepped = true;
        const traps = new StepTraps(view, capabilities(), context, this.planting.guard.patches, this.handlers[id]);
        return new SingleStep(view, capabilities(), traps, this.planting, request);
      },
      capabilities, interceptsInt3: () => patchMechanism(capabilities(), context) === 'int3', log, moved: this.sayMoved, haltsInKernel: machine.localApic,
      guardsPatches: () => capabilities().readOnlySlot && (mechanisms?.has('read-only') ?? true),
    };
  }

  /** Throws TargetError when some of the client's breakpoints cannot be made to stop, as seen from a vCPU that stands. */
  check(thread: ThreadId): void {
    this.plan(this.options.breakpoints.all, this.viewOf(thread), this.planContext(() => false));
  }

  private planAndSay(wanted: readonly Breakpoint[], view: CpuView, context: PlanContext): Planned {
    const plan = this.plan(wanted, view, context);
    const [watch] = plan.steppedWatches;
    if (watch !== undefined && !this.slowSaid) {
      this.slowSaid = true;
      this.options.say(`The ${watch.kind} watchpoint at 0x${watch.address.toString(16)} is found by stepping, for want of a faster way here: the guest runs slowly while it is set.\n`);
    }
    const unreadable = this.unreadableSaid ? undefined : wanted.find(({ kind, address }) => kind === 'write' && view.memory.read(address, 1).length === 0);
    if (unreadable !== undefined) {
      this.unreadableSaid = true;
      this.options.say(`gdb does not show that 0x${unreadable.address.toString(16)} is written as long as it cannot read what is there (nothing, or the memory of a planar video mode): awatch stops all the same.\n`);
    }
    if (!this.unseenSaid && this.hasUnseenEntries(plan, view, context)) {
      this.unseenSaid = true;
      this.options.say('More exceptions are to be caught than this host has debug registers for the entries of their handlers, and the others are not seen here ' +
        'with the interrupt controller in the kernel: catch fewer, or leave --irqchip kernel out.\n');
    }
    return plan;
  }

  /** Such a host ends a step inside the handler, not at its entry. */
  private hasUnseenEntries(plan: Planned, view: CpuView, context: PlanContext): boolean {
    const { catching, capabilities } = this.options;
    if (plan.stepped.length === 0 || capabilities().faultStep === 'free' || patchMechanism(capabilities(), context) !== undefined) return false;
    const { entries } = catching.cpus[view.vcpu.id];
    return plan.stepped.some(({ breakpoint }) => entries.includes(breakpoint));
  }

  private plan(wanted: readonly Breakpoint[], view: CpuView, context: PlanContext): Planned {
    const watched = wanted.filter(isWatch).map(({ address }) => address);
    const { unpatchable } = this.options.catching.cpus[view.vcpu.id];
    return planFor(wanted, { view, capabilities: this.options.capabilities(), context, unpatchable, unsafePages: () => this.planting.unsafePages(watched) });
  }

  private planContext(guestUsesDebugRegisters: () => boolean): PlanContext {
    const { machine, mechanisms } = this.options;
    return { kernelIrqchip: machine.localApic, guestUsesDebugRegisters, ...(mechanisms !== undefined && { mechanisms }) };
  }

  private viewOf(thread: ThreadId): CpuView {
    return this.options.views[thread - 1];
  }

  private readonly sayMoved = ({ address }: Breakpoint): void => {
    if (this.movedSaid) return;
    this.movedSaid = true;
    this.options.say(`The guest has mapped 0x${address.toString(16)} to another page or written over the patch there. The breakpoint is planted again, but ` +
      'what passed it in the last milliseconds did not stop (docs/decisions/0011-read-only-pages.md).\n');
  };

  /** Said once: breakpoints in such code would be passed without a word. */
  private warnOfUserMode(view: CpuView): void {
    const { breakpoints, capabilities, say } = this.options;
    if (this.userModeSaid || breakpoints.all.length === 0 || capabilities().userStep) return;
    if (view.cpl !== 3 || !view.mode.isLong) return;
    this.userModeSaid = true;
    say("This host's KVM runs CPL 3 code in long mode without looking at debug settings: breakpoints there do not stop.\n");
  }

  private guestUsesDebugRegisters(view: CpuView): boolean {
    const { db, dr7 } = view.vcpu.debugRegisters;
    return decodeDr7(dr7, db).length > 0;
  }
}
