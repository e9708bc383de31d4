/** The watchpoints of one job's plan: what the run needs for them, and which of them an exit or a step touched. */
import type { Breakpoint } from '../breakpoints/breakpoint-set.js';
import { isWatch } from '../breakpoints/planner.js';
import type { DebugRegisterSlot } from '../x86/debug-registers.js';
import type { Planned } from './breakpoint-planning.js';
import type { CpuView } from './cpu-view.js';
import type { JobStop } from './job.js';
import type { Planting } from './planting.js';
import { SteppedWatches } from './stepped-watches.js';

export class Watching {
  /** Debug registers that watch data, numbered from 0 as a step has them. */
  readonly dataRegisters: readonly DebugRegisterSlot[];
  private readonly byRegister: readonly Breakpoint[];
  private readonly stepped: SteppedWatches | undefined;
  /** The guarded ones too, for a step while nothing guards them. */
  private readonly unguarded: SteppedWatches | undefined;
  private looking: SteppedWatches | undefined;

  constructor(private readonly view: CpuView, private readonly planting: Planting, private readonly plan: Planned) {
    const data = plan.debugRegisters.filter(({ breakpoint }) => isWatch(breakpoint));
    this.dataRegisters = data.map(({ address, type, length }, index) => ({ index, address, type, length }));
    this.byRegister = data.map(({ breakpoint }) => breakpoint.breakpoint);
    const watches = (planned: Planned['steppedWatches'], alone: boolean): SteppedWatches | undefined =>
      (planned.length === 0 ? undefined : new SteppedWatches(view, planned.map(({ breakpoint }) => breakpoint), alone));
    this.stepped = watches(plan.steppedWatches, planting.hasOneVcpu);
    this.unguarded = watches([...plan.steppedWatches, ...plan.guards.map(({ breakpoint }) => breakpoint)], true);
  }

  /** Every instruction must be stepped and looked at (`beforeStep`). */
  get needsSteps(): boolean {
    return this.stepped !== undefined;
  }

  /** Watches the guarded bytes, for a job; `Planting.protect` comes after it. */
  plant(owner: object): void {
    this.planting.watch(this.plan, owner);
  }

  /** The instruction at the pc is about to be stepped; `unguarded`: with the write protection taken away. */
  beforeStep(unguarded = false): void {
    this.looking = unguarded ? this.unguarded : this.stepped;
    this.looking?.before();
  }

  /** The stop for what was touched, if anything; `fired`: bit n for `dataRegisters[n]`. */
  touched(fired: number): JobStop | undefined {
    const written = this.planting.takeHit(this.view.vcpu);
    if (written !== undefined) return watchStop(written.watch, written.address);
    for (const { index, address } of this.dataRegisters) {
      if ((fired & (1 << index)) !== 0) return watchStop(this.byRegister[index], address);
    }
    return undefined;
  }

  /** As `touched`, after a step that `beforeStep` announced. */
  touchedByStep({ dataRegisters, handler }: { readonly dataRegisters: number; readonly handler: boolean }): JobStop | undefined {
    const seen = this.looking?.after(handler);
    this.looking = undefined;
    return this.touched(dataRegisters) ?? (seen === undefined ? undefined : watchStop(seen.watch, seen.address));
  }
}

/** The stop at a watchpoint, counted as a hit. `address`: linear, inside what is watched. */
function watchStop(watch: Breakpoint, address: bigint): JobStop {
  watch.hits++;
  const kind = watch.kind as 'write' | 'read' | 'access';
  return { kind: 'stop', reason: { kind: 'watchpoint', watch: kind, address }, keep: () => watch.isSet };
}
