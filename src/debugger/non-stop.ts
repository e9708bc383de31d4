/**
 * Non-stop mode (gdb manual, "Remote Non-Stop"; docs/decisions/0022-non-stop.md): each thread stops by itself while the others go
 * on. It is made of all-stop runs: at a stop, and for a request that needs the machine to stand, all vCPUs leave the guest for a
 * moment, and those that the client knows as running go on with what they were told to do.
 */
import { TargetError, type NonStopSupport, type ResumeAction, type StopEvent, type ThreadId } from '../target.js';
import type { RunControl } from './run-control.js';

export interface NonStopHooks {
  /** A thread has stopped. No vCPU is in the guest. */
  onStop(stop: StopEvent): void;
  /** All threads stood, and one is about to run. */
  onFirst(): void;
  /** The last thread that ran has stopped. */
  onLast(): void;
}

type Control = Pick<RunControl, 'running' | 'resume' | 'pause' | 'takeQueued' | 'keepsSteps'>;

export class NonStop implements NonStopSupport {
  /** What the threads do that the client knows as running. */
  private going = new Map<ThreadId, ResumeAction>();
  private readonly holds: (() => void)[] = [];

  constructor(private readonly control: Control, private readonly hooks: NonStopHooks) {}

  get enabled(): boolean {
    return this.control.keepsSteps;
  }

  set enabled(on: boolean) {
    if (this.running || this.control.running) throw new TargetError('The mode can be changed only while all threads stand; interrupt them first', 16);
    this.control.keepsSteps = on;
    // In all-stop nobody is held: what waited for it finds all standing now.
    if (!on) this.carryOut();
  }

  /** Some thread runs. */
  get running(): boolean {
    return this.going.size > 0;
  }

  isRunning(thread: ThreadId): boolean {
    return this.going.has(thread);
  }

  /** `thread` if it stands, else the first that does; if none does, all are held for who asks, and `thread` is as good as any. */
  standing(thread: ThreadId, threads: readonly ThreadId[]): ThreadId {
    return this.isRunning(thread) ? threads.find((other) => !this.isRunning(other)) ?? thread : thread;
  }

  /** Lets further threads go; one that runs already goes on with what it does. The machine must stand, or be held. */
  resume(actions: readonly ResumeAction[]): void {
    if (this.control.running) throw new TargetError('The machine is running; hold it first', 16);
    const before = this.going;
    const added = actions.filter(({ thread }) => !before.has(thread));
    if (added.length === 0) return;
    // The new ones first: a step is over before the others are back in the guest.
    this.going = new Map([...added.map((action) => [action.thread, action] as const), ...before]);
    if (before.size === 0) this.hooks.onFirst();
    try {
      this.control.resume([...this.going.values()]);
    } catch (error) {
      this.going = before;
      if (before.size === 0) this.hooks.onLast();
      throw error;
    }
  }

  stop(threads: readonly ThreadId[], reason: 'requested' | 'interrupt'): void {
    this.hold(() => {
      for (const thread of threads) {
        if (this.going.has(thread)) this.told(this.control.takeQueued(thread) ?? { thread, reason: { kind: reason } });
      }
    });
  }

  hold(then: () => void): void {
    this.holds.push(then);
    if (this.control.running) this.control.pause();
    else this.carryOut();
  }

  /** All threads stop, and one of them is told. */
  interrupt(): void {
    this.hold(() => {
      const [thread] = this.going.keys();
      if (thread === undefined) return;
      this.going.clear();
      this.told({ thread, reason: { kind: 'interrupt' } });
    });
  }

  /** Run control has parked all vCPUs, because of a stop or to pause. */
  parked(stop: StopEvent | undefined): void {
    if (stop?.reason.kind === 'exited') this.going.clear();
    if (stop !== undefined) this.told(stop);
    this.carryOut();
  }

  /** The machine is closed: nothing runs any more. */
  abandon(): void {
    this.going.clear();
    this.holds.length = 0;
  }

  private told(stop: StopEvent): void {
    this.going.delete(stop.thread);
    if (this.going.size === 0) this.hooks.onLast();
    this.hooks.onStop(stop);
  }

  /** What the machine was held for, one after the other, and then on. */
  private carryOut(): void {
    while (!this.control.running) {
      const then = this.holds.shift();
      if (then === undefined) return this.goOn();
      then();
    }
    if (this.holds.length > 0) this.control.pause();
  }

  private goOn(): void {
    while (this.going.size > 0 && !this.control.running) {
      try {
        this.control.resume([...this.going.values()]);
      } catch (error) {
        if (!(error instanceof TargetError)) throw error;
        // Whom it hinders is not said, so one after the other stops until the rest can go.
        const [thread] = this.going.keys();
        this.told({ thread, reason: { kind: 'fault', signal: 'SIGTRAP' }, text: error.message });
      }
    }
  }
}
