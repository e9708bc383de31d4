/**
 * Carries out one run plan on one vCPU: enters the guest, serves device exits, and goes on with the same plan until
 * an exit that a debugger must look at.
 *
 * The loop is synchronous while the guest answers quickly, so that a step needs no turn of the event loop. It is
 * bounded: after BURST_MILLISECONDS the event loop has a turn, so that a guest that floods a device cannot keep gdb's
 * interrupt waiting. (Not by running in the background: with exits this quick, node would serve their notifications
 * one after the other, a thousand at a time, before it looks at anything else.)
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

export interface RunnerHooks {
  /** The vCPU is about to enter the guest. */
  entering(vcpu: Vcpu): void;
  /** The plan has ended; a new one may be started at once. */
  ended(runner: VcpuRunner, exit: Exit): void;
  /** An exit was served: whether it is an access that ends the plan even if it would let it go on. */
  isCaught(exit: Exit): boolean;
  /** The vCPU is about to go on with its plan: another one to go on with, if there is a reason. */
  renewed(): RunPlan | undefined;
}

export class VcpuRunner {
  /** True while a plan is being carried out. */
  active = false;
  private plan: RunPlan | undefined;
  /** A kick of an earlier run may end this one before it begins; only one that was asked for now is an end. */
  private kickWanted = false;
  private deadline = 0;
  private inline: Exit | undefined;
  private entering = false;
  /** Within `serve`: a plan that is started meanwhile is taken up by its loop, not by a deeper one. */
  private serving = false;
  /** When the exit that is being served came (`performance.now()`), and the linear pc then if anyone wants to know. */
  private came = 0;
  private pc = 0n;

  constructor(
    readonly vcpu: Vcpu,
    private readonly machine: Machine,
    private readonly hooks: RunnerHooks,
    private readonly log: DebugLog = {},
  ) {}

  /** Starts a plan; `ended` is called once, perhaps before this returns. */
  start(plan: RunPlan): void {
    this.active = true;
    this.kickWanted = false;
    this.plan = plan;
    if (!this.serving) this.burst(undefined);
  }

  /** Asks for an early end: `kicked`, unless another exit comes first. */
  kick(): void {
    if (!this.active) return;
    this.kickWanted = true;
    this.vcpu.kick();
  }

  /** Waits for the end of what was kicked, until `deadline` (`performance.now()`): sooner here than by way of the event loop. */
  collect(deadline: number): void {
    const left = deadline - performance.now();
    if (this.active && left > 0 && this.vcpu.running) this.vcpu.await(Math.ceil(left * 1000));
  }

  /** The plan that was started last, to go on with after an end that was not its own. */
  get goingOn(): RunPlan {
    return { ...this.plan as RunPlan, fresh: false, waitMicroseconds: WAIT_MICROSECONDS };
  }

  /** Forgets the plan; `ended` will not be called for it. The vCPU must be closed next. */
  abandon(): void {
    this.active = false;
  }

  /** One KVM_RUN; undefined when it goes on in the background. */
  private enter(plan: RunPlan): Exit | undefined {
    this.inline = undefined;
    this.entering = true;
    this.hooks.entering(this.vcpu);
    this.vcpu.run(plan, this.exited);
    this.entering = false;
    return this.inline;
  }

  private readonly exited = (exit: Exit): void => {
    if (this.entering) this.inline = exit;
    else this.burst(exit);
  };

  /** Serves exits one after the other until the vCPU runs on in the background, the plan ends, or the time is up. */
  private burst(first: Exit | undefined): void {
    this.deadline = performance.now() + BURST_MILLISECONDS;
    this.serving = true;
    try {
      let exit = first ?? this.enter(this.plan as RunPlan);
      while (exit !== undefined) {
        this.came = performance.now();
        this.log.exit?.(exitLine(this.vcpu.id, exit));
        // Read now: a stop may close the vCPU.
        if (this.log.served !== undefined) this.pc = this.vcpu.linearPc;
        const isOver = this.isOver(exit);
        if (isOver) this.end(exit);
        if (!this.active) {
          this.served(exit, performance.now());
          break;
        }
        exit = this.goOn(isOver || this.isRenewed(), exit);
      }
    } finally {
      this.serving = false;
    }
  }

  /** Serves one exit; true when it ends the plan. */
  private isOver(exit: Exit): boolean {
    if (exit.reason === 'kicked') return this.kickWanted;
    const served = this.machine.serve(this.vcpu, exit);
    if (!this.hooks.isCaught(exit) && served === 'resume') return false;
    // A device that ended the machine's run (power-off, reset), or an access that is watched or caught: the instruction
    // itself still completes.
    if (isDeviceExit(exit)) this.completeAccess();
    return true;
  }

  private isRenewed(): boolean {
    const plan = this.hooks.renewed();
    if (plan !== undefined) this.plan = plan;
    return plan !== undefined;
  }

  /** Enters the guest again; once the burst is over, not before the event loop has had its turn. */
  private goOn(withNewPlan: boolean, exit: Exit): Exit | undefined {
    const plan = this.plan as RunPlan;
    // One copy for all the exits that a plan survives. Its start may not have been waited for; a device's exit is.
    const next = withNewPlan || !plan.fresh ? plan : { ...plan, fresh: false, waitMicroseconds: WAIT_MICROSECONDS };
    this.plan = next;
    const now = performance.now();
    if (now < this.deadline) {
      this.served(exit, now);
      return this.enter(next);
    }
    setImmediate(() => {
      this.served(exit, performance.now());
      if (this.active && !this.vcpu.closed) this.burst(undefined);
    });
    return undefined;
  }

  /** Notes what the exit that came last has cost. Its `data` may be gone by now. */
  private served(exit: Exit, now: number): void {
    if (exit.reason === 'kicked') return;
    this.machine.exitCounters.served(exit, (now - this.came) * 1000);
    this.log.served?.({ cpu: this.vcpu.id, exit, pc: this.pc, began: this.came, ended: now });
  }

  /** Lets the access finish; of a REP access only the elements already under way. */
  private completeAccess(): void {
    for (let fragment = 0; fragment < MAX_FRAGMENTS; fragment++) {
      const next = this.vcpu.complete();
      if (next === undefined) return;
      this.machine.serve(this.vcpu, next);
    }
  }

  /** Tells the owner, who may start the next plan at once. */
  private end(exit: Exit): void {
    this.active = false;
    this.hooks.ended(this, exit);
  }
}

function isDeviceExit(exit: Exit): boolean {
  return exit.reason === 'io' || exit.reason === 'mmio' || exit.reason === 'rdmsr' || exit.reason === 'wrmsr';
}
