/** `stepi` and range steps on one vCPU, with the client's watchpoints in force. */
import type { Breakpoint, BreakpointSet } from '../breakpoints/breakpoint-set.js';
import { isWatch } from '../breakpoints/planner.js';
import type { Exit } from '../vmm/exit.js';
import type { RunPlan } from '../vmm/run-plan.js';
import type { CpuCatching } from './catch/cpu-catching.js';
import { caughtStop, type Arrive, type Job, type JobResult } from './job.js';
import type { Planned } from './breakpoint-planning.js';
import type { CpuView } from './cpu-view.js';
import type { Planting } from './planting.js';
import type { SingleStep, StepRequest } from './single-step.js';
import { Watching } from './watching.js';

export interface StepRange {
  /** Linear, inclusive. */
  readonly start: bigint;
  /** Linear, exclusive. */
  readonly end: bigint;
}

export interface StepJobOptions {
  readonly view: CpuView;
  readonly breakpoints: BreakpointSet;
  readonly planting: Planting;
  /** Plans watchpoints. */
  readonly plan: (breakpoints: readonly Breakpoint[]) => Planned;
  readonly makeStep: (request: StepRequest) => SingleStep;
  readonly arrive: Arrive;
  readonly catching: CpuCatching;
  readonly range?: StepRange;
  readonly blockInterrupts: boolean;
}

const STEPPED: JobResult = { kind: 'stop', reason: { kind: 'step' } };

export class StepJob implements Job {
  private watching: Watching | undefined;
  private step: SingleStep | undefined;

  constructor(private readonly options: StepJobOptions) {}

  begin(): RunPlan {
    const { breakpoints, planting, plan, view, catching } = this.options;
    catching.leavesEntry();
    const watches = breakpoints.all.filter(isWatch);
    this.watching = watches.length === 0 ? undefined : new Watching(view, planting, plan(watches));
    this.watching?.plant();
    return this.next();
  }

  ended(exit: Exit): JobResult {
    const end = (this.step as SingleStep).ended(exit);
    if (end.kind !== 'stepped') return end;
    const touched = this.watching?.touchedByStep(end);
    const caught = this.caught(end);
    if (caught !== undefined) return caughtStop(caught, touched);
    if (touched !== undefined) return touched;
    if (this.options.range === undefined || end.handler || end.halted) return STEPPED;
    if (this.options.planting.takeStrayed(this.options.view.vcpu)) return this.replanned();
    return this.inRange();
  }

  finish(): void {
    this.step?.finish();
    this.options.planting.lift();
  }

  private caught({ handler }: { readonly handler: boolean }): string | undefined {
    const { catching, view } = this.options;
    view.invalidate();
    return catching.afterStep() ?? (handler ? catching.arrived() : undefined);
  }

  /** One instruction, or the range as far as nothing needs a look at each. */
  private next(): RunPlan {
    const { makeStep, range, breakpoints, blockInterrupts, catching } = this.options;
    this.step?.finish();
    const whole = range !== undefined && this.watching?.needsSteps !== true && !catching.looksAtSteps;
    this.step = makeStep({
      blockInterrupts, dataRegisters: this.watching?.dataRegisters ?? [],
      ...(whole && { range, until: breakpoints.executionAddresses(range) }),
    });
    this.watching?.beforeStep();
    catching.beforeStep();
    return this.step.begin();
  }

  /** After a step of a range: on with it, or at its end. A breakpoint inside says so. */
  private inRange(): JobResult {
    const { range, view, breakpoints, arrive } = this.options;
    const { pc } = view;
    const reached = breakpoints.allExecutionAt(pc);
    const stop = reached.length === 0 ? undefined : arrive(reached, view);
    if (stop !== undefined) return stop;
    if (range === undefined || pc < range.start || pc >= range.end) return STEPPED;
    return { kind: 'again', plan: this.next() };
  }

  private replanned(): JobResult {
    this.options.planting.lift();
    const plan = this.begin();
    this.options.planting.protect();
    return { kind: 'again', plan };
  }
}
