/** `stepi` and range steps on one vCPU, with the client's watchpoints in force. */
import { isWatch } from '../breakpoints/planner.js';
import type { Exit } from '../vmm/exit.js';
import { caughtStop, type Caught, type Job, type JobResult, type JobStart, type JobStop, type RunAgain, type RunAlone } from './job.js';
import type { JobOptions } from './job-options.js';
import type { SingleStep } from './single-step.js';
import { failedOnProtectedPage, hangsOnProtectedPage, stepOff, stepOn } from './step-off.js';
import { Watching } from './watching.js';

export interface StepRange {
  /** Linear, inclusive. */
  readonly start: bigint;
  /** Linear, exclusive. */
  readonly end: bigint;
}

const STEPPED: JobStop = { kind: 'stop', reason: { kind: 'step' } };

export class StepJob implements Job {
  private watching: Watching | undefined;
  private step: SingleStep | undefined;

  constructor(private readonly options: JobOptions, private readonly blockInterrupts: boolean, private readonly range?: StepRange) {}

  plant(): void {
    const { planting } = this.options;
    planting.expectPatches();
    this.prepare();
    planting.keepProtection(this);
  }

  begin(): JobStart {
    this.options.catching.leavesEntry();
    return this.next();
  }

  ended(exit: Exit): JobResult {
    const { planting, view } = this.options;
    if (failedOnProtectedPage(exit, planting) || planting.undo(view)) return this.next(true);
    const end = (this.step as SingleStep).ended(exit);
    if (end.kind === 'again') return stepOn(end);
    if (end.kind !== 'stepped' && end.kind !== 'in-the-way') return end;
    planting.restore();
    if (end.kind === 'in-the-way') return this.next();
    const touched = this.watching?.touchedByStep(end);
    const caught = this.caught(end);
    if (caught !== undefined) return caughtStop(caught, touched);
    if (touched !== undefined) return touched;
    const arrived = this.arrived();
    if (this.range === undefined || end.handler || end.halted) return arrived === undefined ? STEPPED : { ...STEPPED, ...textOf(arrived) };
    if (arrived !== undefined) return arrived;
    if (planting.takeStrayed(view.vcpu)) return this.replan();
    return this.inRange() ? this.next() : STEPPED;
  }

  finish(): void {
    this.step?.finish();
    this.options.planting.lift();
  }

  private prepare(): void {
    const { breakpoints, planting, plan, view } = this.options;
    const watches = breakpoints.all.filter(isWatch);
    this.watching = watches.length === 0 ? undefined : new Watching(view, planting, plan(watches));
    this.watching?.plant(this);
  }

  private caught({ handler }: { readonly handler: boolean }): Caught | undefined {
    const { catching, view } = this.options;
    view.invalidate();
    const sentence = handler ? catching.arrived() : undefined;
    return catching.afterStep() ?? (sentence === undefined ? undefined : { sentence });
  }

  /** One instruction, or the range as far as nothing needs a look at each; `failed`: the last try, for a page is protected. */
  private next(failed = false): RunAgain | RunAlone {
    const { range, options: { makeStep, breakpoints, catching, view, planting } } = this;
    view.invalidate();
    const unprotected = failed || hangsOnProtectedPage(view, planting);
    this.step?.finish();
    const whole = range !== undefined && !unprotected && !planting.blocks(view) && this.watching?.needsSteps !== true && !catching.looksAtSteps;
    return stepOff(view, planting, () => {
      this.step = makeStep({
        blockInterrupts: this.blockInterrupts, dataRegisters: this.watching?.dataRegisters ?? [],
        range: whole ? range : undefined, until: whole ? breakpoints.executionAddresses(range) : undefined,
      });
      this.watching?.beforeStep(unprotected);
      catching.beforeStep();
      return this.step.begin();
    }, unprotected);
  }

  /** What the client's breakpoints where the step led make of it: commands run, hits are counted. */
  private arrived(): JobStop | undefined {
    const { view, breakpoints, arrive, memo } = this.options;
    const reached = breakpoints.allExecutionAt(view.pc);
    const stop = reached.length === 0 ? undefined : arrive(reached, view);
    memo.dealtWith = reached.length > 0 && stop === undefined ? view.pc : undefined;
    return stop;
  }

  private inRange(): boolean {
    const { range, options: { view: { pc } } } = this;
    return range !== undefined && pc >= range.start && pc < range.end;
  }

  private replan(): RunAlone {
    return this.options.planting.replan(this, () => {
      this.prepare();
      return this.next();
    });
  }
}

function textOf({ text }: JobStop): { text?: string } {
  return text === undefined ? {} : { text };
}
