/**
 * All-stop run control: one resume starts every vCPU that has an action, the first stop stops them all, and it is
 * reported when every vCPU is parked and guest memory is pristine again.
 *
 * What a second vCPU comes to in the meantime is told at the next resume, before anything runs: a breakpoint because the
 * vCPU stands at it, anything else from the queue. Nothing is lost and nothing is reported after its removal.
 */
import type { RunPlan } from '../vmm/run-plan.js';
import { TargetError, type ResumeAction, type StopEvent, type ThreadId } from '../target.js';
import type { Exit } from '../vmm/exit.js';
import type { MachineEvent } from '../vmm/device.js';
import type { Machine } from '../vmm/machine.js';
import { beginJobs } from './begin-jobs.js';
import { createCpu, type Cpu } from './cpu.js';
import type { CpuView } from './cpu-view.js';
import type { DebugLog } from './debug-log.js';
import { ExclusiveRun } from './exclusive-run.js';
import { faultStop } from './fault-stop.js';
import { GuestLooks } from './guest-looks.js';
import { planOf, type Caught, type Job, type JobResult, type JobStart, type JobStop } from './job.js';
import { Parking } from './parking.js';
import type { RunControlHooks } from './run-control-hooks.js';
import { deadHalt, eventToCome } from './run-control-texts.js';
import { StartOrder } from './start-order.js';
import { StopQueue } from './stop-queue.js';

/** Starts jobs and parks vCPUs. `resume` throws TargetError when nothing can be resumed; stops come through the hooks. */
export class RunControl {
  readonly cpus: readonly Cpu[];
  running = false;
  /** The machine is over: it exited or was killed. */
  over = false;
  /** Non-stop: a step that is done while a stop is being told is told later, while this lasts; in all-stop it is forgotten. */
  keepsSteps = false;
  private readonly parking: Parking;
  private readonly queue = new StopQueue();
  private readonly startOrder = new StartOrder();
  private readonly exclusive: ExclusiveRun<Cpu>;
  private starting = false;
  /** What a caught access led to, or what came when another stop was being told; it happens at the next resume. */
  private deferred: MachineEvent | undefined;
  private readonly looks: GuestLooks;
  private actions: readonly ResumeAction[] = [];
  private resumedThread: ThreadId = 1;

  constructor(
    private readonly machine: Machine,
    views: readonly CpuView[],
    private readonly hooks: RunControlHooks,
    log: DebugLog = {},
  ) {
    this.cpus = views.map((view, index) => createCpu(view, machine, {
      entering: (vcpu) => hooks.onEnter(vcpu),
      ended: (_, exit) => this.ended(this.cpus[index], exit),
      isCaught: (exit) => hooks.catching.cpus[index].isCaught(exit),
      renewed: () => (this.looks.active ? this.renewed(this.cpus[index]) : undefined),
    }, log));
    this.parking = new Parking(this.cpus);
    this.looks = new GuestLooks(this.cpus);
    this.exclusive = new ExclusiveRun(this.cpus, (cpu, go) => this.orStop(cpu, go), () => this.isParking);
  }

  resume(actions: readonly ResumeAction[]): void {
    if (this.over) throw new TargetError('The machine has ended; reset or restart it first', 3);
    if (this.running) throw new TargetError('The machine is running already', 16);
    if (actions.length === 0) throw new TargetError('No thread was told to run', 22);
    const queued = this.queue.take(actions.map(({ thread }) => thread), (thread) => this.cpu(thread).view.pc);
    const event = this.deferred;
    if (queued === undefined && event === undefined) return this.begin(actions);
    this.actions = actions;
    this.running = true;
    this.parking.take();
    if (queued !== undefined) this.parking.stop(queued);
    else if (event !== undefined) {
      this.deferred = undefined;
      this.happened(actions[0].thread, event);
    }
    this.settle();
  }

  /** A stop is decided and the vCPUs are being parked: what one reaches now, it stands at when it is resumed. */
  get isParking(): boolean {
    return this.parking.isWanted;
  }

  /** Ends the run without a stop: `onStop` is called when every vCPU is parked, with one only if it was decided before. */
  pause(): void {
    if (!this.running) return;
    this.parking.pause();
    this.parking.kick();
    this.settle();
  }

  /** The stop of a thread that waits to be told, if there is one. */
  takeQueued(thread: ThreadId): StopEvent | undefined {
    return this.queue.take([thread], (queued) => this.cpu(queued).view.pc);
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
    if (cpu !== undefined) return cpu;
    throw new TargetError(`There is no thread ${thread}`, 3);
  }

  private begin(actions: readonly ResumeAction[]): void {
    const started = actions
      .map((action) => ({ cpu: this.cpu(action.thread), action }))
      .filter(({ cpu, action }) => !cpu.halted || action.kind !== 'continue')
      .map(({ cpu, action }) => ({ cpu, action, job: this.hooks.makeJob(action) }));
    this.actions = actions;
    this.resumedThread = actions[0].thread;
    this.running = this.starting = true;
    this.parking.take();
    try {
      const starts = beginJobs(started, { stopped: (cpu, stop) => this.stopped(cpu, stop), isParking: () => this.isParking });
      if (!this.isParking) {
        if (this.hooks.catching.followsTables || started.some(({ job }) => job.needsLooks === true)) this.looks.begin();
        this.hooks.onPlanted();
      }
      for (const { cpu, start } of this.startOrder.of(starts)) this.enter(cpu, start);
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

  private enter(cpu: Cpu, start: JobStart): void {
    if (!this.isParking) cpu.halted = false;
    cpu.lastRegisters.keep();
    this.proceed(cpu, start);
    if (!this.isParking) this.exclusive.give();
  }

  private ended(cpu: Cpu, exit: Exit): void {
    cpu.view.invalidate();
    const event = this.machine.takeEvent();
    const access = this.hooks.catching.cpus[cpu.thread - 1].takeAccess();
    if (access !== undefined) {
      this.caught(cpu, access, event);
    } else if (event !== undefined) {
      this.happened(cpu.thread, event);
    } else if (exit.reason !== 'kicked') {
      this.proceed(cpu, (cpu.job as Job).ended(exit), exit);
    } else if (!this.isParking && !this.exclusive.awaits(cpu)) {
      this.proceed(cpu, { kind: 'again', plan: cpu.runner.goingOn });
    }
    if (!this.isParking) this.exclusive.give();
    this.settle();
  }

  /** The guest has switched itself off, or asked for a reset. */
  private happened(thread: ThreadId, event: MachineEvent): void {
    if (event.kind === 'power-off') {
      if (this.parking.hasStop) this.deferred ??= event;
      else this.stopAll({ thread, reason: { kind: 'exited', status: event.status }, text: `The guest ended: ${event.cause}.` });
    } else {
      this.parking.reset(event.cause);
      this.parking.kick();
    }
  }

  /** The stop at a caught access. It is done; what it led to waits for the next resume. */
  private caught(cpu: Cpu, { sentence, keep }: Caught, event: MachineEvent | undefined): void {
    const text = event === undefined ? sentence : `${sentence} ${eventToCome(event)}`;
    this.deferred ??= event;
    this.stopped(cpu, { kind: 'stop', reason: { kind: 'step' }, text, ...(keep !== undefined && { keep }) });
  }

  /** What a vCPU's job has decided; `exit`: after which. */
  private proceed(cpu: Cpu, result: JobResult, exit?: Exit): void {
    if (result.kind !== 'alone') this.exclusive.done(cpu);
    switch (result.kind) {
      case 'again':
      case 'alone':
        cpu.view.invalidate();
        if (this.isParking) result.instead?.();
        else if (result.kind === 'alone') this.exclusive.ask(cpu, result);
        else this.exclusive.run(cpu, result);
        return;
      case 'stop':
        if (result.halted === true) cpu.halted = true;
        this.stopped(cpu, result);
        return;
      case 'halted':
        cpu.halted = true;
        if (!this.machine.canWakeFromHalt && this.parking.isStill) this.hooks.onText(deadHalt(`cpu${cpu.thread - 1}`, cpu.view.where));
        return;
      case 'unknown': {
        const { reason, text } = faultStop(cpu, exit as Exit, this.hooks.catching.cpus[cpu.thread - 1]);
        this.stopped(cpu, { kind: 'stop', reason, text, keep: () => true });
      }
    }
  }

  private renewed(cpu: Cpu): RunPlan | undefined {
    if (this.isParking || this.exclusive.isWanted) return undefined;
    const result = this.orStop(cpu, () => cpu.job?.renewed?.());
    if (!this.hooks.catching.followsTables && this.cpus.every(({ job }) => job?.needsLooks !== true)) this.looks.end();
    if (result?.kind !== 'alone') return result?.plan;
    if (this.cpus.every(({ runner }) => runner === cpu.runner || !runner.active)) return this.orStop(cpu, () => planOf(result.go()));
    this.exclusive.ask(cpu, result);
    return undefined;
  }

  /** A plan that cannot be made is a stop that says why. */
  private orStop<T>(cpu: Cpu, make: () => T): T | undefined {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      this.stopped(cpu, { kind: 'stop', reason: { kind: 'fault', signal: 'SIGTRAP' }, text: error.message });
      return undefined;
    }
  }

  private standStill(): void {
    this.running = false;
    this.looks.end();
  }

  /** The stop of a vCPU, to be told now or, if another one is told first, later. */
  private stopped(cpu: Cpu, { reason, text, keep }: JobStop): void {
    const stop = text === undefined ? { thread: cpu.thread, reason } : { thread: cpu.thread, reason, text };
    if (!this.isParking) return this.stopAll(stop);
    const isStep = this.keepsSteps && this.actions.some(({ kind, thread }) => thread === cpu.thread && kind !== 'continue');
    const step = isStep ? { thread: cpu.thread, reason: { kind: 'step' } } as const : undefined;
    // The step is done, whatever becomes of what it was stopped by.
    if (keep !== undefined) this.queue.add({ stop, pc: cpu.view.pc, keep, otherwise: step });
    else if (step !== undefined) this.queue.add({ stop: { ...stop, ...step }, pc: cpu.view.pc, keep: () => this.keepsSteps });
    if (!this.parking.isOnlyPause) this.parking.stop(stop);
  }

  /** Keeps the first stop and asks the others to park. */
  private stopAll(stop: StopEvent): void {
    this.parking.stop(stop);
    this.parking.kick();
  }

  /** Reports the pending stop, or resets the machine, once every vCPU is parked. */
  private settle(): void {
    if (this.starting || !this.running || !this.isParking || !this.parking.isDone()) return;
    this.exclusive.clear();
    for (const cpu of this.cpus) {
      cpu.job?.finish();
      cpu.job = undefined;
    }
    const { stop, resetCause, paused } = this.parking.take();
    this.standStill();
    if (resetCause !== undefined) {
      this.machine.reset();
      this.replaced();
      this.hooks.onReset();
      this.hooks.onText(`The guest reset the machine (${resetCause}).\n`);
      if (stop === undefined && !paused) return this.begin(this.actions.map(({ thread }) => ({ kind: 'continue', thread })));
    }
    if (stop?.reason.kind === 'exited') this.over = true;
    this.hooks.onStop(stop);
  }

  /** The machine's state is another one now. `halted`: the CPUs, in order, in HLT where the kernel does not know. */
  replaced(halted: readonly boolean[] = []): void {
    this.over = false;
    this.deferred = undefined;
    this.queue.clear();
    for (const { view } of this.cpus) view.invalidate();
    this.cpus.forEach((cpu, i) => { cpu.halted = halted[i] ?? false; });
  }
}
