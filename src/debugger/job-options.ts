/** What every job of a vCPU works with. */
import type { Breakpoint, BreakpointSet } from '../breakpoints/breakpoint-set.js';
import type { Planned } from './breakpoint-planning.js';
import type { CpuCatching } from './catch/cpu-catching.js';
import type { CpuMemo } from './cpu-memo.js';
import type { CpuView } from './cpu-view.js';
import type { Arrive } from './job.js';
import type { Planting } from './planting.js';
import type { SingleStep, StepRequest } from './single-step.js';

export interface JobOptions {
  readonly view: CpuView;
  readonly breakpoints: BreakpointSet;
  readonly planting: Planting;
  /** Throws TargetError when the planner refuses one. */
  readonly plan: (breakpoints: readonly Breakpoint[]) => Planned;
  readonly makeStep: (request: StepRequest) => SingleStep;
  readonly arrive: Arrive;
  readonly catching: CpuCatching;
  readonly memo: CpuMemo;
}
