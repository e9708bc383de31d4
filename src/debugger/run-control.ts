/**
 * All-stop run control: one resume starts every vCPU that has an action, the first stop stops them all, and it is
 * reported when every vCPU is parked and guest memory is pristine again.
 *
 * A second vCPU that hits something in the meantime is not reported: its pc stands at what it hit, so it hits it again
 * at the next resume if it is still wanted. Nothing is lost and nothing is reported after its removal.
 */
import type { RunPlan } from '../vmm/run-plan.js';
import { TargetError, type ResumeAction, type StopEvent, type StopReason, type ThreadId } from '../target.js';
import type { Exit } from '../vmm/exit.js';
import type { MachineEvent } from '../vmm/device.js';
import type { Machine } from '../vmm/machine.js';
import type { Catching } from './catch/catching.js';
import type { CpuView } from './cpu-view.js';
import type { DebugLog } from './debug-log.js';
import { faultStop } from './fault-stop.js';
import type { Job, JobResult } from './job.js';
import { LastRegisters } from './last-registers.js';
import { VcpuRunner } from './vcpu-runner.js';

/** One vCPU under run control. */
export interface Cpu {
  readonly thread: ThreadId;
  readonly view: CpuView;
  readonly runner: VcpuRunner;
  readonly lastRegisters: LastRegisters;
  job: Job | undefined;
  /** In HLT with nothing running; goes on only by an interrupt, a step or a reset. */
  halted: boolean;
}

/** How often a running guest is looked at for a new interrupt table or mapping, in milliseconds: a kick and an exit each. */
const LOOK_MILLISECONDS = 5;

export interface RunControlHooks {
  readonly catching: Catching;
  /** Makes the job for one action. Throws TargetError when the action is not possible. */
  makeJob(action: ResumeAction): Job;
  /** Every job has begun, and no vCPU runs yet. */
  onPlanted(): void;
  onStop(stop: StopEvent): void;
  /** Text for gdb's console while the guest runs. */
  onText(text: string): void;
}

/** Starts jobs and parks vCPUs. `resume` throws TargetError when nothing can be resumed; stops come through the hooks. */
export class RunControl {
  readonly cpus: readonly Cpu[];
  running = false;
  /** The machine is over: it exited or was killed. */
  over = false;
  private pending: StopEvent | undefined;
  private starting = false;
  private resetCause: string | undefined;
  /** What a caught access led to; it happens at the next resume. */
  private deferred: MachineEvent | undefined;
  private looking: NodeJS.Timeout | undefined;
  private actions: readonly ResumeAction[] = [];
  private resumedThread: ThreadId = 1;

  constructor(
    private readonly machine: Machine,
    views: readonly CpuView[],
    private readonly hooks: RunControlHooks,
    log: DebugLog = {},
  ) {
    this.cpus = views.map((view, index) => ({
      thread: index + 1,
      view,
      runner: new VcpuRunner(view.vcpu, machine, {
        ended: (runner, exit) => this.ended(runner, exit),
        isCaught: (exit) => hooks.catching.cpus[index].isCaught(exit),
        renewed: () => (this.looking === undefined ? undefined : this.renewed(this.cpus[index])),
      }, log),
      lastRegisters: new LastRegisters(view.vcpu),
      job: undefined,
      halted: false,
    }));
  }

  resume(actions: readonly ResumeAction[]): void {
    if (this.over) throw new TargetError('The machine has ended; reset or restart it first', 3);
    if (this.running) throw new TargetError('The machine is running already', 16);
    if (actions.length === 0) throw new TargetError('No thread was told to run', 22);
    const event = this.deferred;
    if (event === undefined) return this.begin(actions);
    this.deferred = undefined;
    this.actions = actions;
    this.running = true;
    this.pending = undefined;
    this.happened(actions[0].thread, event);
    this.settle();
  }

  /** The stop of another vCPU is about to be reported: what this one reaches now, it reaches again at the next resume. */
  isParking(thread: ThreadId): boolean {
    return this.pending !== undefined && this.pending.thread !== thread;
  }

  interrupt(): void {
    if (!this.running) return;
    this.stopAll({ thread: this.resumedThread, reason: { kind: 'interrupt' } });
    this.settle();
  }

  /** The machine is about to be closed: whatever runs is forgotten and reports nothing. */
  abandon(): void {
    this.over = true;
    this.standStill();
    for (const { runner } of this.cpus) runner.abandon();
  }

  cpu(thread: ThreadId): Cpu {
    const cpu = this.cpus[thread - 1];
    if (cpu === undefined) throw new TargetError(`There is no thread ${thread}`, 3);
    return cpu;
  }

  private begin(actions: readonly ResumeAction[]): void {
    const started: { cpu: Cpu; job: Job }[] = [];
    for (const action of actions) {
      const cpu = this.cpu(action.thread);
      if (cpu.halted && action.kind === 'continue') continue;
      started.push({ cpu, job: this.hooks.makeJob(action) });
    }
    this.actions = actions;
    this.resumedThread = (actions[0]).thread;
    this.running = true;
    this.pending = undefined;
    this.starting = true;
    try {
      const plans = started.map(({ job }) => job.begin());
      const looks = this.hooks.catching.followsTables || started.some(({ job }) => job.needsLooks === true);
      if (looks) this.looking = setInterval(() => this.look(), LOOK_MILLISECONDS);
      this.hooks.onPlanted();
      for (const [index, { cpu, job }] of started.entries()) {
        if (this.pending !== undefined) break;
        cpu.halted = false;
        cpu.job = job;
        const plan = plans[index];
        cpu.view.invalidate();
        cpu.lastRegisters.keep();
        cpu.runner.start(plan);
      }
    } catch (error) {
      this.starting = false;
      this.standStill();
      for (const { job } of started) job.finish();
      for (const cpu of this.cpus) cpu.job = undefined;
      throw error;
    }
    this.starting = false;
    this.settle();
  }

  private ended(runner: VcpuRunner, exit: Exit): void {
    const cpu = this.cpus.find((candidate) => candidate.runner === runner) as Cpu;
    cpu.view.invalidate();
    const event = this.machine.takeEvent();
    const access = this.hooks.catching.cpus[cpu.thread - 1].takeAccess();
    if (access !== undefined) {
      this.caught(cpu, access, event);
    } else if (event !== undefined) {
      this.happened(cpu.thread, event);
    } else if (exit.reason !== 'kicked') {
      this.decide(cpu, exit, (cpu.job as Job).ended(exit));
    }
    this.settle();
  }

  /** The guest has switched itself off, or asked for a reset. */
  private happened(thread: ThreadId, event: MachineEvent): void {
    if (event.kind === 'power-off') {
      this.stopAll({ thread, reason: { kind: 'exited', status: event.status }, text: `The guest ended: ${event.cause}.` });
    } else {
      this.resetCause = event.cause;
      this.stopAll(undefined);
    }
  }

  /** The stop at a caught access. It is done: unlike a breakpoint it will not be met again, and what it led to waits for the next resume. */
  private caught(cpu: Cpu, access: string, event: MachineEvent | undefined): void {
    const text = event === undefined ? access : `${access} With the next resume the machine ${event.kind === 'reset' ? 'resets' : 'ends'} (${event.cause}).`;
    if (this.stopping) {
      this.hooks.onText(`${text}\n`);
      this.hooks.catching.cpus[cpu.thread - 1].told();
    }
    this.deferred ??= event;
    this.stopAll(stopEvent(cpu.thread, { kind: 'step' }, text));
  }

  private decide(cpu: Cpu, exit: Exit, result: JobResult): void {
    switch (result.kind) {
      case 'again':
        if (this.pending !== undefined) {
          result.instead?.();
          return;
        }
        cpu.view.invalidate();
        cpu.runner.start(result.plan);
        return;
      case 'stop':
        if (result.halted === true) cpu.halted = true;
        this.stopAll(stopEvent(cpu.thread, result.reason, result.text));
        return;
      case 'halted':
        cpu.halted = true;
        if (!this.machine.canWakeFromHalt) this.sayDeadHalt(cpu);
        return;
      case 'unknown':
        this.stopAll(faultStop(cpu, exit, this.hooks.catching.cpus[cpu.thread - 1]));
    }
  }

  /** Takes the running vCPUs out of the guest for a moment; each goes on with its plan, or a renewed one. */
  private look(): void {
    for (const { view, runner } of this.cpus) if (runner.active && view.vcpu.running) view.vcpu.kick();
  }

  private renewed(cpu: Cpu): RunPlan | undefined {
    if (this.stopping) return undefined;
    try {
      return cpu.job?.renewed?.();
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      this.stopAll(stopEvent(cpu.thread, { kind: 'fault', signal: 'SIGTRAP' }, error.message));
      return undefined;
    }
  }

  /** A stop is decided and the vCPUs are being parked. */
  private get stopping(): boolean {
    return this.pending !== undefined || this.resetCause !== undefined;
  }

  private standStill(): void {
    this.running = false;
    clearInterval(this.looking);
    this.looking = undefined;
  }

  private sayDeadHalt(cpu: Cpu): void {
    if (this.cpus.some(({ runner }) => runner.active)) return;
    this.hooks.onText(`cpu${cpu.thread - 1} is halted at ${cpu.view.where} and nothing can wake it; interrupt (Ctrl-C) to look at it.\n`);
  }

  /** Keeps the first stop and asks the others to park. */
  private stopAll(stop: StopEvent | undefined): void {
    this.pending ??= stop;
    for (const { runner } of this.cpus) runner.kick();
  }

  /** Reports the pending stop, or resets the machine, once every vCPU is parked. */
  private settle(): void {
    if (this.starting || !this.running) return;
    if (this.pending === undefined && this.resetCause === undefined) return;
    if (this.cpus.some(({ runner }) => runner.active)) return;
    for (const cpu of this.cpus) {
      cpu.job?.finish();
      cpu.job = undefined;
    }
    const stop = this.pending;
    const resetCause = this.resetCause;
    this.pending = undefined;
    this.resetCause = undefined;
    this.standStill();
    if (resetCause !== undefined) {
      this.resetMachine();
      this.hooks.onText(`The guest reset the machine (${resetCause}).\n`);
      if (stop === undefined) return this.begin(this.actions.map(({ thread }) => ({ kind: 'continue', thread })));
    }
    if (stop === undefined) return;
    if (stop.reason.kind === 'exited') this.over = true;
    this.hooks.onStop(stop);
  }

  /** Back to the state before the first instruction; nothing may be running. */
  resetMachine(): void {
    this.machine.reset();
    this.over = false;
    this.deferred = undefined;
    for (const cpu of this.cpus) {
      cpu.halted = false;
      cpu.view.invalidate();
    }
  }
}

function stopEvent(thread: ThreadId, reason: StopReason, text: string | undefined): StopEvent {
  return text === undefined ? { thread, reason } : { thread, reason, text };
}

