/** An `SmpGuest` in non-stop mode: what each thread has been told to do, and the stops that have come. */
import { cpuStates } from '../../../src/cli/cpu-states.js';
import { TargetError, type NonStopSupport, type ResumeAction, type StopEvent, type ThreadId } from '../../../src/target.js';
import type { IrqchipKind } from '../../../src/vmm/irqchip/interrupt-controllers.js';
import type { Mechanism } from '../../../src/breakpoints/planner.js';
import { patience } from '../../time-scale.js';
import { SmpGuest } from './smp-guest.js';

const PATIENCE_MILLISECONDS = patience(15_000);

export class NonStopGuest {
  readonly guest: SmpGuest;
  readonly nonStop: NonStopSupport;
  /** That nobody has looked at, the oldest first. */
  readonly stops: StopEvent[] = [];
  private woken: () => void = () => undefined;

  constructor(cpus: number, rounds: number, loop: readonly number[], mechanisms?: readonly Mechanism[], irqchip: IrqchipKind = 'kernel') {
    this.guest = new SmpGuest(cpus, rounds, loop, mechanisms, irqchip);
    const { nonStop } = this.guest.target;
    this.nonStop = nonStop;
    nonStop.enabled = true;
    this.guest.target.onStop((stop) => {
      this.stops.push(stop);
      this.woken();
    });
  }

  /** Calls `work` while the machine is held, as a session does for a packet. */
  held<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(this.late('the machine is not held')), PATIENCE_MILLISECONDS);
      this.nonStop.hold(() => {
        clearTimeout(timer);
        try {
          resolve(work());
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
  }

  resume(...actions: ResumeAction[]): Promise<void> {
    return this.held(() => this.guest.target.resume(actions));
  }

  continue(...threads: ThreadId[]): Promise<void> {
    return this.resume(...threads.map((thread) => ({ kind: 'continue' as const, thread })));
  }

  /** The next stop, of this thread if one is given; those of others stay in `stops`. */
  async stop(thread?: ThreadId): Promise<StopEvent> {
    for (;;) {
      const index = this.stops.findIndex((stop) => thread === undefined || stop.thread === thread);
      if (index >= 0) return this.stops.splice(index, 1)[0];
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(this.late(`no stop${thread === undefined ? '' : ` of thread ${thread}`}`)), PATIENCE_MILLISECONDS);
        this.woken = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  get going(): ThreadId[] {
    return this.guest.threads.filter((thread) => this.nonStop.isRunning(thread));
  }

  /** Whether a request is refused because its thread runs. */
  isBusy(request: () => unknown): boolean {
    try {
      request();
      return false;
    } catch (error) {
      return error instanceof TargetError && error.errno === 16;
    }
  }

  private late(what: string): Error {
    return new Error(`${what} within ${PATIENCE_MILLISECONDS} ms; ${cpuStates(this.guest.target)}; stops ${JSON.stringify(this.stops.map(({ thread, reason }) => [thread, reason.kind]))}`);
  }
}
