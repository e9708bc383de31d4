/** Brings all vCPUs to rest, and why: a stop that is to be told, a reset that the guest asked for, or only to have them stand. */
import type { StopEvent } from '../target.js';
import type { VcpuRunner } from './vcpu-runner.js';

export interface ParkingEnd {
  readonly stop: StopEvent | undefined;
  /** What the guest did to be reset. */
  readonly resetCause: string | undefined;
  /** Somebody waits for the machine to stand. */
  readonly paused: boolean;
}

interface Parked {
  readonly runner: Pick<VcpuRunner, 'active' | 'kick' | 'collect'>;
}

const NOTHING: ParkingEnd = { stop: undefined, resetCause: undefined, paused: false };
/** After a kick the event loop waits no longer than this for vCPUs to leave the guest; then each end comes by way of it. */
const COLLECT_MILLISECONDS = 0.3;

export class Parking {
  private end = NOTHING;
  private collectUntil = 0;
  private isCollecting = false;

  constructor(private readonly cpus: readonly Parked[]) {}

  get isWanted(): boolean {
    return this.end !== NOTHING;
  }

  /** It is to be told; the first of several stays. */
  stop(stop: StopEvent): void {
    this.end = { ...this.end, stop: this.end.stop ?? stop };
  }

  /** A stop will be told; another one is too late for this time. */
  get hasStop(): boolean {
    return this.end.stop !== undefined;
  }

  reset(cause: string): void {
    this.end = { ...this.end, resetCause: cause };
  }

  pause(): void {
    this.end = { ...this.end, paused: true };
  }

  get isOnlyPause(): boolean {
    return this.end.paused && this.end.stop === undefined && this.end.resetCause === undefined;
  }

  /** Asks all vCPUs to leave the guest. */
  kick(): void {
    for (const { runner } of this.cpus) runner.kick();
    this.collectUntil = performance.now() + COLLECT_MILLISECONDS;
  }

  /** No vCPU is carrying out a plan. */
  get isStill(): boolean {
    return this.cpus.every(({ runner }) => !runner.active);
  }

  /**
   * Whether all have left. Right after the kick they are waited for here, for most have left by the time that the last was kicked, and
   * each that is seen now needs no turn of the event loop. What their ends lead to may ask again: false meanwhile.
   */
  isDone(): boolean {
    if (this.isCollecting) return false;
    this.isCollecting = true;
    try {
      for (const { runner } of this.cpus) runner.collect(this.collectUntil);
    } finally {
      this.isCollecting = false;
    }
    return this.isStill;
  }

  /** All are parked, or run: nothing is wanted any more. */
  take(): ParkingEnd {
    const { end } = this;
    this.end = NOTHING;
    return end;
  }
}
