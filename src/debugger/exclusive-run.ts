/**
 * Who may run. As a rule everybody; but a vCPU that has to run alone (a patch is taken out for its step, pages are not
 * protected) waits for its turn until the others are parked, and they are held, each with the plan it goes on with, until
 * nobody waits any more.
 */
import type { RunPlan } from '../vmm/run-plan.js';
import type { RunAgain, RunAlone } from './job.js';
import type { VcpuRunner } from './vcpu-runner.js';

interface Running {
  readonly runner: Pick<VcpuRunner, 'active' | 'start' | 'kick'>;
}

interface Turn<C> extends Pick<RunAlone, 'go' | 'instead'> {
  readonly cpu: C;
}

export class ExclusiveRun<C extends Running> {
  private turns: Turn<C>[] = [];
  private current: C | undefined;
  private held = new Map<C, RunAgain>();

  /**
   * `tryPlan` makes the plan of a vCPU whose turn it is; undefined where that cannot be done. `isParking`: all are to stand, so that
   * nobody who is held goes on.
   */
  constructor(
    private readonly cpus: readonly C[],
    private readonly tryPlan: (cpu: C, go: RunAlone['go']) => RunPlan | RunAgain | undefined,
    private readonly isParking: () => boolean,
  ) {}

  /** Someone runs alone, or waits to. */
  get isWanted(): boolean {
    return this.current !== undefined || this.turns.length > 0;
  }

  /** Whether `cpu` is to run alone next, or soon. */
  awaits(cpu: C): boolean {
    return this.turns.some((turn) => turn.cpu === cpu);
  }

  /** Runs a parked vCPU, as soon as nobody has to run alone. */
  run(cpu: C, again: RunAgain): void {
    if (this.isWanted) this.held.set(cpu, again);
    else cpu.runner.start(again.plan);
  }

  /** Asks for a turn; one that runs alone already goes on before the others. */
  ask(cpu: C, { go, instead }: RunAlone): void {
    const turn = { cpu, go, ...(instead !== undefined && { instead }) };
    if (this.current === cpu) this.turns.unshift(turn);
    else this.turns.push(turn);
    this.done(cpu);
    // Who runs alone is not disturbed: it would go on with the others, its patch planted again.
    for (const other of this.cpus) if (other !== this.current) other.runner.kick();
  }

  /** The vCPU that ran alone does so no more. */
  done(cpu: C): void {
    if (this.current === cpu) this.current = undefined;
  }

  /** Starts the next that has to run alone once the others are parked, or those that were held. */
  give(): void {
    if (this.turns.length > 0) {
      if (this.current !== undefined || this.cpus.some(({ runner }) => runner.active)) return;
      const { cpu, go } = this.turns.shift() as Turn<C>;
      this.current = cpu;
      const plan = this.tryPlan(cpu, go);
      if (plan === undefined) return;
      if (!('kind' in plan)) return cpu.runner.start(plan);
      this.done(cpu);
      this.run(cpu, plan);
      this.give();
    } else if (this.current === undefined && this.held.size > 0) {
      const held = [...this.held];
      this.held = new Map();
      for (const [cpu, again] of held) {
        // The one before may have stopped at once.
        if (this.isParking()) this.held.set(cpu, again);
        else this.run(cpu, again);
      }
    }
  }

  /** The machine stops: nobody who waited goes on. */
  clear(): void {
    for (const { instead } of [...this.turns, ...this.held.values()]) instead?.();
    this.turns = [];
    this.current = undefined;
    this.held.clear();
  }
}
