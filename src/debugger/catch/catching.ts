/** `monitor catch` for a whole machine: the catchpoints, and what each vCPU does about them. */
import type { Machine } from '../../vmm/machine.js';
import type { CpuView } from '../cpu-view.js';
import { CatchpointSet, type Catchpoint, type CatchWhat } from './catchpoint-set.js';
import { CpuCatching } from './cpu-catching.js';

export class Catching {
  /** By vCPU. */
  readonly cpus: readonly CpuCatching[];
  private readonly catchpoints = new CatchpointSet();

  constructor(private readonly machine: Machine, views: readonly CpuView[]) {
    this.cpus = views.map((view) => new CpuCatching(view, machine, this.catchpoints));
  }

  get all(): readonly Catchpoint[] {
    return this.catchpoints.all;
  }

  /** Throws an Error with one sentence for an MSR that KVM cannot be asked to report; then nothing has changed. */
  add(what: CatchWhat): Catchpoint {
    const added = this.catchpoints.add(what);
    if (what.kind !== 'msr') return added;
    try {
      this.reportMsrs();
    } catch (error) {
      this.remove(added.number);
      throw error;
    }
    return added;
  }

  /** False if there is none with this number. */
  remove(number: number): boolean {
    const removed = this.catchpoints.remove(number);
    if (removed) this.reportMsrs();
    return removed;
  }

  clear(): void {
    this.catchpoints.clear();
    this.reportMsrs();
  }

  /** The guest's interrupt tables must be looked at again and again while it runs. */
  get followsTables(): boolean {
    return this.catchpoints.has('exception');
  }

  private reportMsrs(): void {
    this.machine.reportMsrs(this.catchpoints.all.flatMap(({ what }) => (what.kind === 'msr' ? [what.index] : [])));
  }
}
