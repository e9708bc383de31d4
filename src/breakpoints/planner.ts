/**
 * Chooses, for every wanted breakpoint, the mechanism that stops the machine there on this host: a pure function.
 * It never plans something that would silently not stop; what cannot be planned is a refusal with a sentence.
 *
 * The terms: a *wanted* breakpoint is what the client asked for; a *patch* is a byte in guest memory that makes the
 * vCPU leave KVM_RUN; `step` means that the vCPU is stepped natively and its pc compared, which is always right and
 * slow. The order of preference for execution breakpoints:
 *  1. debug registers for hardware breakpoints, then for addresses where no byte can be planted now (not mapped yet,
 *     in ROM), because they compare linear addresses and need no memory;
 *  2. a debug register that is left over also serves a software breakpoint: unlike a patch it survives a loader that
 *     copies code over the place. Only when the guest itself does not use debug registers;
 *  3. a patch: int3 where it is delivered in every mode, else hlt where that exits in every mode. A patch planted in
 *     real mode may be reached in long mode, so "in every mode" is what counts;
 *  4. step.
 */
import type { BreakpointKind } from '../target.js';
import { DEBUG_REGISTER_COUNT } from '../x86/debug-registers.js';
import { inEveryMode, type DebugCapabilities } from './capabilities.js';

/** Addresses that a run plan can compare the pc with, less the four that debug registers hold. */
const MOST_STEPPED = 1020;

export interface WantedBreakpoint {
  readonly kind: BreakpointKind;
  /** Linear address. */
  readonly address: bigint;
  /** Bytes for watchpoints; 1 for execution. */
  readonly length: number;
  /** GPA of the byte at `address` where it is mapped to writable RAM right now, else undefined. */
  readonly physical: number | undefined;
}

/** What the planner must know of the machine beyond the host. */
export interface PlanContext {
  /** The interrupt controller lives in the kernel: HLT does not exit, so an F4 patch does not stop. */
  readonly kernelIrqchip: boolean;
  /** DR7 of the guest has an enabled breakpoint: its debug registers are its own. */
  readonly guestUsesDebugRegisters: boolean;
}

export type PatchMechanism = 'int3' | 'hlt';

export interface PlannedPatch<W extends WantedBreakpoint = WantedBreakpoint> {
  readonly mechanism: PatchMechanism;
  readonly breakpoint: W;
  /** Guest-physical address of the byte. */
  readonly physical: number;
}

export interface PlannedDebugRegister<W extends WantedBreakpoint = WantedBreakpoint> {
  /** 0..3. */
  readonly index: number;
  readonly breakpoint: W;
  readonly type: 'execute' | 'write' | 'access';
  readonly address: bigint;
  /** 1 for execute, else 1, 2, 4 or 8. */
  readonly length: number;
}

export interface BreakpointPlan<W extends WantedBreakpoint = WantedBreakpoint> {
  readonly patches: readonly PlannedPatch<W>[];
  readonly debugRegisters: readonly PlannedDebugRegister<W>[];
  /** Execution breakpoints that are found by stepping and comparing the pc. Not empty: the whole run is stepped. */
  readonly stepped: readonly W[];
}

export interface PlanRefusal<W extends WantedBreakpoint = WantedBreakpoint> {
  readonly refused: W;
  readonly reason: string;
}

/** The bytes that make a vCPU leave KVM_RUN (SDM vol. 2, INT3 and HLT). */
export const PATCH_BYTES: Readonly<Record<PatchMechanism, number>> = { int3: 0xcc, hlt: 0xf4 };

/** The one-byte patch that stops in every mode on this host, if there is one. */
export function patchMechanism(capabilities: DebugCapabilities, context: PlanContext): PatchMechanism | undefined {
  if (inEveryMode(capabilities, 'int3')) return 'int3';
  if (!context.kernelIrqchip && inEveryMode(capabilities, 'hlt')) return 'hlt';
  return undefined;
}

/** Plans all wanted breakpoints together, or names the first that this host cannot make stop. */
export function planBreakpoints<W extends WantedBreakpoint>(
  wanted: readonly W[],
  capabilities: DebugCapabilities,
  context: PlanContext,
): BreakpointPlan<W> | PlanRefusal<W> {
  const watch = wanted.find(({ kind }) => kind !== 'software' && kind !== 'hardware');
  if (watch !== undefined) {
    return { refused: watch, reason: `${watch.kind} watchpoints are not offered by this version; gdb can watch by single-stepping` };
  }
  const patch = patchMechanism(capabilities, context);
  const canStep = inEveryMode(capabilities, 'singleStep');
  const debugRegisters: PlannedDebugRegister<W>[] = [];
  const patches: PlannedPatch<W>[] = [];
  const stepped: W[] = [];

  const takeDebugRegister = (breakpoint: W): boolean => {
    if (debugRegisters.some(({ address }) => address === breakpoint.address)) return true;
    if (!inEveryMode(capabilities, 'debugExecute') || debugRegisters.length >= DEBUG_REGISTER_COUNT) return false;
    const index = debugRegisters.length;
    debugRegisters.push({ index, breakpoint, type: 'execute', address: breakpoint.address, length: 1 });
    return true;
  };

  const left: W[] = [];
  const urgency = (b: W): number => (b.kind === 'hardware' ? 0 : 1);
  for (const breakpoint of [...wanted].sort((a, b) => urgency(a) - urgency(b))) {
    const needsNoByte = breakpoint.kind === 'hardware' || breakpoint.physical === undefined || patch === undefined;
    if (!(needsNoByte && takeDebugRegister(breakpoint))) left.push(breakpoint);
  }
  for (const breakpoint of left) {
    if (!context.guestUsesDebugRegisters && takeDebugRegister(breakpoint)) continue;
    if (patch !== undefined && breakpoint.physical !== undefined) {
      patches.push({ mechanism: patch, breakpoint, physical: breakpoint.physical });
    } else if (canStep) {
      stepped.push(breakpoint);
    } else {
      return { refused: breakpoint, reason: 'this host can neither patch, nor use a debug register, nor single-step there' };
    }
  }
  const tooMany = stepped[MOST_STEPPED];
  if (tooMany !== undefined) {
    return { refused: tooMany, reason: `this host must step to it, and stepping compares at most ${MOST_STEPPED} addresses` };
  }
  return { patches, debugRegisters, stepped };
}
