/** Why all vCPUs are being parked: a stop that is to be told, a reset that the guest asked for, or only to have them stand. */
import type { StopEvent } from '../target.js';

export interface ParkingEnd {
  readonly stop: StopEvent | undefined;
  /** What the guest did to be reset. */
  readonly resetCause: string | undefined;
  /** Somebody waits for the machine to stand. */
  readonly paused: boolean;
}

const NOTHING: ParkingEnd = { stop: undefined, resetCause: undefined, paused: false };

export class Parking {
  private end = NOTHING;

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

  /** All are parked, or run: nothing is wanted any more. */
  take(): ParkingEnd {
    const { end } = this;
    this.end = NOTHING;
    return end;
  }
}
