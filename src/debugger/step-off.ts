/** A step where something that we have put into the machine is in the way: it is taken out, and the vCPU steps alone. */
import type { Exit } from '../vmm/exit.js';
import type { RunPlan } from '../vmm/run-plan.js';
import { accessesOf } from '../x86/instruction-access.js';
import { LONGEST_INSTRUCTION } from '../x86/instruction-decode.js';
import { pagesOf } from './breakpoint-planning.js';
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

/** Those that KVM's emulator writes by other means than its own stores: to a protected page it tries for ever. */
const NEVER_TOLD: ReadonlySet<string> = new Set(['fxsave', 'fxsave64', 'sgdt', 'sidt']);

/** The next instruction would never end with what is planted: its write to a protected page is neither made nor told. */
export function hangsOnProtectedPage(view: CpuView, planting: Planting): boolean {
  const pages = planting.guard.protectedPages;
  if (pages.size === 0) return false;
  const { vcpu: { regs }, memory, mode, pc } = view;
  const instruction = accessesOf(memory.peek(pc, LONGEST_INSTRUCTION), { regs, sregs: view.vcpu.readSregs(), mode });
  if (instruction === undefined || !NEVER_TOLD.has(instruction.mnemonic)) return false;
  return instruction.accesses.some(({ linear, size }) => pagesOf(memory.ramPieces(linear, size) ?? []).some((page) => pages.has(page)));
}
