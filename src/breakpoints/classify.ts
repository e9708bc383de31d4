/**
 * Says what an exit means for the breakpoints: one of ours, the guest's own, or nothing to do with them.
 * Pure; the caller puts the pc back on a hlt patch and acts.
 */
import type { Exit } from '../vmm/exit.js';
import type { PatchMechanism } from './planner.js';

const VECTOR_DB = 1;
const VECTOR_BP = 3;
const OPCODE_INT3 = 0xcc;
/** KVM_INTERNAL_ERROR_EMULATION. */
const SUBERROR_EMULATION = 1;
/** DR6 (SDM vol. 3, 18.2.3). */
const DR6_BS = 1n << 14n;

export interface ClassifyInput {
  readonly exit: Exit;
  /** Linear pc after the exit. */
  readonly pc: bigint;
  /** True while the plan that ended was a step. */
  readonly stepping: boolean;
  /** Our patch at a linear address, for whichever vCPU it was planted, looked up through the page tables in force. */
  readonly patchAt: (linear: bigint) => PatchMechanism | undefined;
  /** The byte of guest code at a linear address, without our patches. */
  readonly byteAt: (linear: bigint) => number | undefined;
  /** The guest has no int3 of its own at a linear address (one may have prefixes). */
  readonly isOtherCodeAt: (linear: bigint) => boolean;
  /** Of a HLT exit that is none of ours: no HLT was executed just now. */
  readonly isStaleHalt: () => boolean;
  /** Bit n set: debug register n holds one of ours. */
  readonly debugRegisters: number;
}

export type Hit =
  /** One of our patches was executed; it stands at `address`, and the guest's pc belongs there. */
  | { readonly kind: 'patch'; readonly address: bigint }
  /** Debug registers of ours fired; bit n of `registers` is register n. */
  | { readonly kind: 'debug-register'; readonly registers: number }
  | { readonly kind: 'step' }
  /**
   * The guest's own int3, which KVM took from it: it must get it back. `refused`: KVM's emulator would not run it
   * (software hosts, docs/hosts.md), so that the pc has to be put behind it first.
   */
  | { readonly kind: 'guest-int3'; readonly refused: boolean }
  /** A patch of ours was executed and has been taken out since, for another vCPU needed it no more. Nothing has happened. */
  | { readonly kind: 'lifted-patch' }
  /** A #DB that the guest raised for itself (its TF, its debug registers): it must get it back with this DR6. */
  | { readonly kind: 'guest-debug'; readonly dr6: bigint }
  /**
   * No HLT was executed just now. A software host's emulator keeps the halt of a HLT that was stepped, ours at a handler's
   * entry or the guest's, and makes it an exit of the first instruction that is not stepped; that one has been executed.
   */
  | { readonly kind: 'stale-halt' }
  | { readonly kind: 'none' };

/** What an exit means for breakpoints (KVM api.rst, KVM_EXIT_DEBUG; SDM vol. 3, 18.2.3 for DR6). Never throws. */
export function classifyExit({ exit, pc, stepping, patchAt, byteAt, isOtherCodeAt, isStaleHalt, debugRegisters }: ClassifyInput): Hit {
  if (exit.reason === 'hlt') {
    if (patchAt(pc - 1n) === 'hlt') return { kind: 'patch', address: pc - 1n };
    return { kind: isStaleHalt() ? 'stale-halt' : 'none' };
  }
  if (exit.reason === 'internal-error' && exit.suberror === SUBERROR_EMULATION && byteAt(pc) === OPCODE_INT3) {
    return { kind: 'guest-int3', refused: true };
  }
  if (exit.reason !== 'debug') return { kind: 'none' };
  if (exit.exception === VECTOR_BP) {
    if (patchAt(pc) === 'int3') return { kind: 'patch', address: pc };
    // Where a byte is no int3 any more, to go on from it is as if the vCPU had been a moment later.
    return isOtherCodeAt(pc) ? { kind: 'lifted-patch' } : { kind: 'guest-int3', refused: false };
  }
  if (exit.exception !== VECTOR_DB) return { kind: 'none' };
  const fired = Number(exit.dr6 & 0xfn) & debugRegisters;
  if (fired !== 0) return { kind: 'debug-register', registers: fired };
  // While stepping, every remaining #DB is the step itself: KVM keeps the guest's own TF apart.
  if (stepping) return { kind: 'step' };
  return { kind: 'guest-debug', dr6: exit.dr6 & (DR6_BS | 0xfn) };
}
