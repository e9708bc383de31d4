/** A step where something that we have put into the machine is in the way: it is taken out, and the vCPU steps alone. */
import type { Exit } from '../vmm/exit.js';
import type { RunPlan } from '../vmm/run-plan.js';
import type { CpuView } from './cpu-view.js';
import type { RunAgain, RunAlone } from './job.js';
import type { Planting } from './planting.js';

const INTERNAL_ERROR_EMULATION = 1;

/**
 * The step of one instruction that `begin` plans. Where a patch stands at it, or it cannot be run with pages protected
 * (`unprotected`), this vCPU makes it alone; `Planting.restore` comes after it.
 */
export function stepOff(view: CpuView, planting: Planting, begin: () => RunPlan, unprotected = false): RunAgain | RunAlone {
  if (!unprotected && !planting.blocks(view)) return { kind: 'again', plan: begin() };
  return {
    kind: 'alone',
    go: () => {
      if (unprotected) planting.unprotect();
      planting.suspend(view);
      view.invalidate();
      return begin();
    },
  };
}

/** What a step that is under way goes on with; if it is made alone, it stays so. */
export function stepOn({ plan, instead }: RunAgain): RunAlone {
  return { kind: 'alone', go: () => plan, ...(instead !== undefined && { instead }) };
}

/** KVM's emulator has no such store (x87, AVX); to a protected page it is the emulator that must make it. */
export function failedOnProtectedPage(exit: Exit, planting: Planting): boolean {
  return exit.reason === 'internal-error' && exit.suberror === INTERNAL_ERROR_EMULATION && planting.protects;
}
