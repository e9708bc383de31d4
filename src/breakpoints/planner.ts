/**
 * Chooses, for every wanted breakpoint and watchpoint, the mechanism that stops the machine there on this host: a pure
 * function. It never plans something that would silently not stop; what cannot be planned is a refusal with a sentence.
 *
 * The terms: a *wanted* breakpoint is what the client asked for; a *patch* is a byte in guest memory that makes the
 * vCPU leave KVM_RUN; a *guard* is watched bytes in write-protected pages; `step` means that the vCPU is stepped natively
 * and what it does compared, which is always right and slow.
 *
 * Debug registers compare linear addresses, need no memory (but see no data access that KVM emulates) and cost nothing, so
 * the four go where the other mechanisms are worst: hardware breakpoints and read or access watches (else stepped), then
 * addresses where no byte can be planted or guarded now (not mapped yet, in ROM, a page that the processor writes by
 * itself), then small write watches (else guarded). One that is left over serves a software breakpoint, unless the guest
 * uses debug registers itself: unlike a patch it is never seen by a guest that reads its own code.
 */
import type { BreakpointKind } from '../target.js';
import { DEBUG_REGISTER_COUNT, coverWithDebugRegisters, type DebugRegisterPiece } from '../x86/debug-registers.js';
import { inEveryMode, type DebugCapabilities } from './capabilities.js';

/** Addresses that a run plan can compare the pc with, less the four that debug registers hold. */
const MOST_STEPPED = 1020;

export const MECHANISMS = ['debug-register', 'patch', 'read-only', 'step'] as const;
export type Mechanism = (typeof MECHANISMS)[number];

/** A run of bytes that is contiguous in linear and in guest-physical memory. */
export interface MemoryPiece {
  readonly linear: bigint;
  /** GPA. */
  readonly physical: number;
  /** In bytes. */
  readonly length: number;
}

export interface WantedBreakpoint {
  readonly kind: BreakpointKind;
  /** Linear address. */
  readonly address: bigint;
  /** Bytes for watchpoints; 1 for execution. */
  readonly length: number;
  /** GPA of the byte at `address` where it is mapped to writable RAM right now, else undefined. */
  readonly physical: number | undefined;
  /** Execution: CPL 3 may run the place, where HLT is a #GP of the guest's own. */
  readonly userMode?: boolean;
  /** A watchpoint that touches a device's memory now: KVM emulates what reaches it, and its emulator has no data breakpoints. */
  readonly isDevice?: boolean;
  /** A watchpoint's bytes, where all of them are RAM whose pages can be write-protected now. */
  readonly pieces?: readonly MemoryPiece[];
}

/** What the planner must know of the machine beyond the host. */
export interface PlanContext {
  /** The interrupt controller lives in the kernel: HLT does not exit, so an F4 patch does not stop. */
  readonly kernelIrqchip: boolean;
  /** DR7 of the guest has an enabled breakpoint: its debug registers are its own. Asked only where it matters. */
  readonly guestUsesDebugRegisters: () => boolean;
  /** The mechanisms that may be used; all of them by default. */
  readonly mechanisms?: ReadonlySet<Mechanism>;
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
  readonly length: 1 | 2 | 4 | 8;
}

export interface PlannedGuard<W extends WantedBreakpoint = WantedBreakpoint> {
  readonly breakpoint: W;
  readonly pieces: readonly MemoryPiece[];
}

export interface BreakpointPlan<W extends WantedBreakpoint = WantedBreakpoint> {
  readonly patches: readonly PlannedPatch<W>[];
  readonly debugRegisters: readonly PlannedDebugRegister<W>[];
  /** Write watches in write-protected pages. */
  readonly guards: readonly PlannedGuard<W>[];
  /** Execution breakpoints that are found by stepping and comparing the pc. Not empty: the whole run is stepped. */
  readonly stepped: readonly W[];
  /** Watchpoints that are found by stepping and looking at what each instruction reads and writes. Likewise. */
  readonly steppedWatches: readonly W[];
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

export function isWatch({ kind }: { readonly kind: BreakpointKind }): boolean {
  return kind !== 'software' && kind !== 'hardware';
}

/** Plans all wanted breakpoints together, or names the first that this host cannot make stop. */
export function planBreakpoints<W extends WantedBreakpoint>(
  wanted: readonly W[],
  capabilities: DebugCapabilities,
  context: PlanContext,
): BreakpointPlan<W> | PlanRefusal<W> {
  const may = (mechanism: Mechanism): boolean => context.mechanisms?.has(mechanism) ?? true;
  const patch = may('patch') ? patchMechanism(capabilities, context) : undefined;
  const canStep = inEveryMode(capabilities, 'singleStep') && may('step');
  const registers = new RegisterFile<W>(may('debug-register') ? capabilities : undefined);
  const patches: PlannedPatch<W>[] = [];
  const guards: PlannedGuard<W>[] = [];
  const stepped: W[] = [];
  const steppedWatches: W[] = [];

  const canPatch = (b: W): boolean => patch !== undefined && b.physical !== undefined && !(patch === 'hlt' && b.userMode === true);
  const canGuard = (b: W): boolean => may('read-only') && capabilities.readOnlySlot && b.kind === 'write' && b.pieces !== undefined;
  /** Lower goes first to the debug registers; undefined takes one only when it is left over. */
  const urgency = (b: W): number | undefined => {
    if (b.kind === 'hardware') return 0;
    if (b.kind === 'read' || b.kind === 'access') return 1;
    if (b.kind === 'write') return canGuard(b) ? 3 : 2;
    return canPatch(b) ? undefined : 2;
  };

  const left: W[] = [];
  const urgent = wanted.filter((b) => urgency(b) !== undefined).sort((a, b) => (urgency(a) ?? 0) - (urgency(b) ?? 0));
  for (const breakpoint of urgent) if (breakpoint.isDevice === true || !registers.take(breakpoint)) left.push(breakpoint);
  let isGuests: boolean | undefined;
  const takeSpare = (b: W): boolean => registers.fits(b) && !(isGuests ??= context.guestUsesDebugRegisters()) && registers.take(b);
  for (const breakpoint of [...left, ...wanted.filter((b) => urgency(b) === undefined)]) {
    if (!isWatch(breakpoint) && takeSpare(breakpoint)) continue;
    if (!isWatch(breakpoint) && patch !== undefined && canPatch(breakpoint)) {
      patches.push({ mechanism: patch, breakpoint, physical: breakpoint.physical as number });
    } else if (canGuard(breakpoint)) {
      guards.push({ breakpoint, pieces: breakpoint.pieces as readonly MemoryPiece[] });
    } else if (canStep) {
      (isWatch(breakpoint) ? steppedWatches : stepped).push(breakpoint);
    } else {
      return { refused: breakpoint, reason: refusal(breakpoint, context) };
    }
  }
  const tooMany = stepped[MOST_STEPPED];
  if (tooMany !== undefined) {
    return { refused: tooMany, reason: `this host must step to it, and stepping compares at most ${MOST_STEPPED} addresses` };
  }
  return { patches, debugRegisters: registers.planned, guards, stepped, steppedWatches };
}

function refusal(breakpoint: WantedBreakpoint, { mechanisms }: PlanContext): string {
  if (mechanisms !== undefined) return `none of the mechanisms that --mechanisms allows (${[...mechanisms].join(', ')}) can stop there now`;
  return isWatch(breakpoint)
    ? 'this host has neither a debug register left nor can it single-step'
    : 'this host can neither patch, nor use a debug register, nor single-step there';
}

/** The four debug registers as they are given out. */
class RegisterFile<W extends WantedBreakpoint> {
  readonly planned: PlannedDebugRegister<W>[] = [];
  private readonly canExecute: boolean;
  private readonly canWatch: boolean;

  /** `capabilities` absent: none may be used. */
  constructor(capabilities: DebugCapabilities | undefined) {
    this.canExecute = capabilities !== undefined && inEveryMode(capabilities, 'debugExecute');
    this.canWatch = capabilities !== undefined && inEveryMode(capabilities, 'debugWrite');
  }

  fits(breakpoint: W): boolean {
    return this.piecesFor(breakpoint) !== undefined;
  }

  /** Gives a breakpoint all the registers that it needs, or none and false. */
  take(breakpoint: W): boolean {
    const pieces = this.piecesFor(breakpoint);
    if (pieces === undefined) return false;
    const type = !isWatch(breakpoint) ? 'execute' : breakpoint.kind === 'write' ? 'write' : 'access';
    for (const { address, length } of pieces) this.planned.push({ index: this.planned.length, breakpoint, type, address, length });
    return true;
  }

  private piecesFor(breakpoint: W): readonly DebugRegisterPiece[] | undefined {
    const free = DEBUG_REGISTER_COUNT - this.planned.length;
    if (isWatch(breakpoint)) return this.canWatch ? coverWithDebugRegisters(breakpoint.address, breakpoint.length, free) : undefined;
    if (this.planned.some(({ type, address }) => type === 'execute' && address === breakpoint.address)) return [];
    return this.canExecute && free > 0 ? [{ address: breakpoint.address, length: 1 }] : undefined;
  }
}
