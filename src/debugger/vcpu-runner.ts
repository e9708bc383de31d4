/**
 * Carries out one run plan on one vCPU: enters the guest, serves device exits, and goes on with the same plan until
 * an exit that a debugger must look at.
 *
 * The loop is synchronous while the guest answers quickly, so that a step needs no turn of the event loop. It is
 * bounded: after BURST_MILLISECONDS it goes on asynchronously, so that a guest that floods a device cannot keep
 * gdb's interrupt waiting.
 */
import type { Exit } from '../vmm/exit.js';
import type { Machine } from '../vmm/machine.js';
import type { RunPlan } from '../vmm/run-plan.js';
import type { Vcpu } from '../vmm/vcpu.js';
import { exitLine, type DebugLog } from './debug-log.js';

/** How long the loop may keep the event loop from running. */
const BURST_MILLISECONDS = 4;
/**
 * How long a run is waited for before it becomes asynchronous. A step takes 1 to 15 µs and an exit to the event loop
 * costs some 40 µs more than one that was waited for (docs/decisions/0003-wait-briefly.md).
 */
export const WAIT_MICROSECONDS = 300;

/** A page-crossing access of 64 bytes is split into no more exits than this. */
const MAX_FRAGMENTS = 16;

export class VcpuRunner {
  /** True while a plan is being carried out. */
  active = false;
  private plan: RunPlan | undefined;
  /** A kick of an earlier run may end this one before it begins; only one that was asked for now is an end. */
  private kickWanted = false;
  private deadline = 0;
  private inline: Exit | undefined;
  private entering = false;

  constructor(
    readonly vcpu: Vcpu,
    private readonly machine: Machine,
    private readonly onEnd: (runner: VcpuRunner, exit: Exit) => void,
    private readonly log: DebugLog = {},
  ) {}

  /** Starts a plan; `onEnd` is called once, perhaps before this returns. */
  start(plan: RunPlan): void {
    this.active = true;
    this.kickWanted = false;
    this.plan = plan;
    this.deadline = performance.now() + BURST_MILLISECONDS;
    this.serveUntilEnd(this.enter(plan));
  }

  /** Asks for an early end: `kicked`, unless another exit comes first. */
  kick(): void {
    if (!this.active) return;
    this.kickWanted = true;
    this.vcpu.kick();
  }

  /** One KVM_RUN; undefined when it goes on in the background. */
  private enter(plan: RunPlan): Exit | undefined {
    this.inline = undefined;
    this.entering = true;
    this.vcpu.run(plan, this.exited);
    this.entering = false;
    return this.inline;
  }

  private readonly exited = (exit: Exit): void => {
    if (this.entering) {
      this.inline = exit;
      return;
    }
    this.deadline = performance.now() + BURST_MILLISECONDS;
    this.serveUntilEnd(exit);
  };

  private serveUntilEnd(first: Exit | undefined): void {
    let exit = first;
    while (exit !== undefined) {
      this.log.exit?.(exitLine(this.vcpu.id, exit));
      if (exit.reason === 'kicked' && !this.kickWanted) {
        exit = this.goOn();
        continue;
      }
      if (this.machine.serve(this.vcpu, exit) === 'stop') {
        // A device that ended the machine's run (power-off, reset): the instruction itself still completes.
        if (isDeviceExit(exit)) this.completeAccess();
        return this.end(exit);
      }
      exit = this.goOn();
    }
  }

  /** Goes on with the same plan; without waiting once the burst is over. */
  private goOn(): Exit | undefined {
    const plan = this.plan as RunPlan;
    const waitMicroseconds = performance.now() < this.deadline ? plan.waitMicroseconds : 0;
    return this.enter({ ...plan, fresh: false, waitMicroseconds });
  }

  /** Lets the access finish whose answer nobody will see; of a REP access only the elements already under way. */
  private completeAccess(): void {
    for (let fragment = 0; fragment < MAX_FRAGMENTS && this.vcpu.complete() !== undefined; fragment++);
  }

  private end(exit: Exit): void {
    this.active = false;
    this.plan = undefined;
    this.onEnd(this, exit);
  }
}

function isDeviceExit(exit: Exit): boolean {
  return exit.reason === 'io' || exit.reason === 'mmio';
}
