/** What clients ask of breakpoints (`BreakpointSupport`), on the set that the jobs plan from. */
import type { BreakpointSet } from '../breakpoints/breakpoint-set.js';
import type { BreakpointKind, BreakpointRequest, BreakpointSupport, ThreadId } from '../target.js';
import type { BreakSpace } from './break-space.js';
import type { Catching } from './catch/catching.js';
import type { CpuView } from './cpu-view.js';
import type { JobMaker } from './job-maker.js';

export interface BreakpointRequestOptions {
  readonly wanted: BreakpointSet;
  readonly breakSpace: BreakSpace;
  readonly catching: Catching;
  readonly jobs: JobMaker;
  /** By vCPU. */
  readonly views: readonly CpuView[];
  /** Whose view of memory counts. */
  readonly current: () => ThreadId;
  /** vCPUs are in the guest: what cannot be planned is found out at the next resume. */
  readonly isInGuest: () => boolean;
}

export class BreakpointRequests implements BreakpointSupport {
  readonly kinds = new Set<BreakpointKind>(['software', 'hardware', 'write', 'read', 'access']);
  readonly agentExpressions = true;

  constructor(private readonly options: BreakpointRequestOptions) {}

  /** Takes a breakpoint that the planner can make stop; throws TargetError for one that it cannot. */
  insert(request: BreakpointRequest): void {
    const { wanted, breakSpace, jobs, views, current, isInGuest } = this.options;
    const isNew = !wanted.has(request);
    wanted.add(request);
    breakSpace.inserted(request, views[current() - 1]);
    if (!isNew || isInGuest()) return;
    try {
      jobs.check(current());
    } catch (error) {
      wanted.remove(request);
      throw error;
    }
  }

  remove(request: BreakpointRequest): void {
    this.options.wanted.remove(request);
  }

  clear(): void {
    const { wanted, catching, breakSpace } = this.options;
    wanted.clear();
    catching.clear();
    breakSpace.reset();
  }
}
