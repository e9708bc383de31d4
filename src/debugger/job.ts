/**
 * A job is one resume action carried out on one vCPU. It says what to run, and what an exit means for it; run control
 * does the rest (all-stop, faults, machine events).
 */
import type { Breakpoint } from '../breakpoints/breakpoint-set.js';
import type { Exit } from '../vmm/exit.js';
import type { RunPlan } from '../vmm/run-plan.js';
import type { StopReason } from '../target.js';
import type { CpuView } from './cpu-view.js';

export type JobResult =
  /** Run this next, without telling anyone. `instead` is called where it is not run, because another stop came first. */
  | { readonly kind: 'again'; readonly plan: RunPlan; readonly instead?: () => void }
  /** The vCPU stopped for a reason the client should see; `halted`: it also waits in HLT. */
  | { readonly kind: 'stop'; readonly reason: StopReason; readonly text?: string; readonly halted?: boolean }
  /** The vCPU waits in HLT for an interrupt. */
  | { readonly kind: 'halted' }
  /** Not this job's exit: a fault or something unknown. */
  | { readonly kind: 'unknown' };

/** What the client's execution breakpoints at one address mean for the vCPU that reached them: a stop, or on past them. */
export type Arrive = (reached: readonly Breakpoint[], view: CpuView) => JobResult | undefined;

/** The stop at an execution breakpoint. */
export function breakpointStop(breakpoint: Breakpoint, text?: string): JobResult {
  const kind = breakpoint.kind === 'hardware' ? 'hardware' : 'software';
  return { kind: 'stop', reason: { kind: 'breakpoint', breakpoint: kind, address: breakpoint.address }, ...(text !== undefined && { text }) };
}

/** The stop at a catchpoint; together with what else stops there, if anything does. */
export function caughtStop(sentence: string, also?: JobResult): JobResult {
  if (also?.kind !== 'stop') return { kind: 'stop', reason: { kind: 'step' }, text: sentence };
  return { ...also, text: also.text === undefined ? sentence : `${also.text} ${sentence}` };
}

/**
 * The guest's own int3 goes back to it. `refused`: KVM's emulator would not run it, so the pc is put behind it first, and
 * back again where the guest does not get it now, to meet it once more.
 */
export function reinjection(view: CpuView, refused: boolean): { instead?: () => void } {
  if (!refused) return {};
  view.pc += 1n;
  return { instead: () => { view.pc -= 1n; } };
}

export interface Job {
  /** Called when the guest is about to run; plants what must be planted. */
  begin(): RunPlan;
  /** What an exit means. Registers may be corrected here (the pc goes back on a hlt patch). */
  ended(exit: Exit): JobResult;
  /** `renewed` is to be asked again and again while the guest runs. */
  readonly needsLooks?: boolean;
  /** The guest has left KVM for a moment: a plan to go on with instead, if what must be planted has changed. */
  renewed?(): RunPlan | undefined;
  /** Called once when the guest has stopped, whatever the reason: memory is pristine afterwards. */
  finish(): void;
}
