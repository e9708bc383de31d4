/**
 * A job is one resume action carried out on one vCPU. It says what to run, and what an exit means for it; run control
 * does the rest (all-stop, who may run, faults, machine events).
 */
import type { Breakpoint } from '../breakpoints/breakpoint-set.js';
import type { Exit } from '../vmm/exit.js';
import type { RunPlan } from '../vmm/run-plan.js';
import type { StopReason } from '../target.js';
import type { CpuView } from './cpu-view.js';

/** Run this next, without telling anyone. `instead` is called where it is not run, because a stop came first. */
export interface RunAgain {
  readonly kind: 'again';
  readonly plan: RunPlan;
  readonly instead?: () => void;
}

/**
 * As `again`, but every other vCPU is parked first. `go` is called when they are, and takes out of the machine what is in this
 * vCPU's way. They stay parked until this one's job answers with anything else, unless `go` itself does: then it was enough that
 * they stood meanwhile.
 */
export interface RunAlone {
  readonly kind: 'alone';
  readonly go: () => RunPlan | RunAgain;
  readonly instead?: () => void;
}

/** What `RunAlone.go` would have run. */
export function planOf(run: RunPlan | RunAgain): RunPlan {
  return 'kind' in run ? run.plan : run;
}

/** The vCPU stopped for a reason the client should see; `halted`: it also waits in HLT. */
export interface JobStop {
  readonly kind: 'stop';
  readonly reason: StopReason;
  readonly text?: string;
  readonly halted?: boolean;
  /**
   * Present where it cannot come again: if another vCPU's stop is told first, this one is told at the next resume, so long
   * as this holds. Absent: the vCPU meets the same thing again, or it has only done what it was told.
   */
  readonly keep?: () => boolean;
}

/** How a job begins: a stop where the vCPU stands at a breakpoint already. */
export type JobStart = RunAgain | RunAlone | JobStop;

export type JobResult =
  | JobStart
  /** The vCPU waits in HLT for an interrupt. */
  | { readonly kind: 'halted' }
  /** Not this job's exit: a fault or something unknown. */
  | { readonly kind: 'unknown' };

/** What the client's execution breakpoints at one address mean for the vCPU that reached them: a stop, or on past them. */
export type Arrive = (reached: readonly Breakpoint[], view: CpuView) => JobStop | undefined;

/** The stop at an execution breakpoint, which the vCPU stands before. */
export function breakpointStop(breakpoint: Breakpoint, text?: string): JobStop {
  const kind = breakpoint.kind === 'hardware' ? 'hardware' : 'software';
  return { kind: 'stop', reason: { kind: 'breakpoint', breakpoint: kind, address: breakpoint.address }, ...(text !== undefined && { text }) };
}

/** The stop at a catchpoint; together with what else stops there, if anything does. */
export function caughtStop({ sentence, keep }: Caught, also?: JobStop): JobStop {
  const kept = also?.keep ?? keep;
  const together = { ...(kept !== undefined && { keep: kept }) };
  if (also === undefined) return { kind: 'stop', reason: { kind: 'step' }, text: sentence, ...together };
  return { ...also, text: also.text === undefined ? sentence : `${also.text} ${sentence}`, ...together };
}

/** What was caught; `keep` as in `JobStop`. */
export interface Caught {
  readonly sentence: string;
  readonly keep?: () => boolean;
}

/** F1, INT1. */
const ICEBP = 0xf1;

/**
 * Whether a #DB that no bit of DR6 explains is that of an INT1 at the pc, behind which it is to be raised. VMX tells of it before
 * the instruction has been passed (SDM vol. 3, 28.2.2, privileged software exceptions), SVM behind it.
 */
export function isAtIcebp(view: CpuView): boolean {
  return view.memory.read(view.pc, 1)[0] === ICEBP;
}

/**
 * The guest's own int3 or INT1 goes back to it. `notPassed`: the pc is still at it (KVM's emulator would not run the int3, VMX the
 * INT1), so it is put behind first, and back again where the guest does not get it now, to meet it once more.
 */
export function reinjection(view: CpuView, notPassed: boolean): { instead?: () => void } {
  if (!notPassed) return {};
  view.pc += 1n;
  return { instead: () => { view.pc -= 1n; } };
}

export interface Job {
  /** Plants what must be planted; called for every vCPU that is to run before any of them begins. */
  plant(): void;
  /** The guest is about to run. */
  begin(): JobStart;
  /** What an exit means. Registers may be corrected here (the pc goes back on a hlt patch). */
  ended(exit: Exit): JobResult;
  /** `renewed` is to be asked again and again while the guest runs. */
  readonly needsLooks?: boolean;
  /** The guest has left KVM for a moment: what to go on with instead, if what must be planted has changed. */
  renewed?(): RunAgain | RunAlone | undefined;
  /** Called once when the guest has stopped, whatever the reason: memory is pristine afterwards. */
  finish(): void;
}
