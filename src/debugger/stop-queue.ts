/**
 * Stops that vCPUs made while another one's was being told. Each is told at a later resume of its vCPU, before anything
 * runs; one that no longer holds (its watchpoint is gone, the client has moved the pc) is not.
 *
 * Execution breakpoints are not kept here: the vCPU stands before them, and its next run begins with them.
 */
import type { StopEvent, ThreadId } from '../target.js';

export interface QueuedStop {
  readonly stop: StopEvent;
  /** Linear pc where the vCPU stopped. */
  readonly pc: bigint;
  /** Whether what stopped it is still wanted. */
  readonly keep: () => boolean;
  /** What is told if it is not. */
  readonly otherwise?: StopEvent | undefined;
}

export class StopQueue {
  private waiting: QueuedStop[] = [];

  add(stop: QueuedStop): void {
    this.waiting.push(stop);
  }

  /** The oldest that holds, of the threads that are to run; those of theirs that do not hold are forgotten. */
  take(threads: readonly ThreadId[], pcOf: (thread: ThreadId) => bigint): StopEvent | undefined {
    const left: QueuedStop[] = [];
    let taken: StopEvent | undefined;
    for (const queued of this.waiting) {
      const { stop, pc, keep, otherwise } = queued;
      if (taken !== undefined || !threads.includes(stop.thread)) left.push(queued);
      else if (pcOf(stop.thread) === pc) taken = keep() ? stop : otherwise;
    }
    this.waiting = left;
    return taken;
  }

  clear(): void {
    this.waiting = [];
  }
}
