/**
 * What this host's KVM really does when a guest is debugged. Found out by running guest code (host-probe.ts),
 * because KVM_CHECK_EXTENSION does not tell (docs/decisions/0002-probe-never-assume.md). Plain data: printed by
 * `doctor`, and the planner's only source.
 */

/** The CPU modes the probe runs its bytes in. */
export const PROBE_MODES = ['real', 'protected', 'long'] as const;
export type ProbeMode = (typeof PROBE_MODES)[number];

/** What was seen in one CPU mode at CPL 0. */
export interface ModeCapabilities {
  /** A step of a plain instruction comes back as KVM_EXIT_DEBUG after exactly one instruction. */
  readonly singleStep: boolean;
  /** A planted CC with KVM_GUESTDBG_USE_SW_BP comes back as KVM_EXIT_DEBUG, vector 3, with RIP at the CC. */
  readonly int3: boolean;
  /** A planted F4 comes back as KVM_EXIT_HLT with RIP one past it. */
  readonly hlt: boolean;
  /** A debug register stops execution before the instruction, at the linear address. */
  readonly debugExecute: boolean;
  /** A debug register stops after a data write. */
  readonly debugWrite: boolean;
  /** The step of an OUT can be completed so that exactly one instruction has run. */
  readonly stepOverIo: boolean;
}

export interface DebugCapabilities {
  readonly modes: Readonly<Record<ProbeMode, ModeCapabilities>>;
  /** A write to a KVM_MEM_READONLY slot comes back as an MMIO exit with its data. */
  readonly readOnlySlot: boolean;
  /** RFLAGS.RF set through the registers passes an execution debug register once. */
  readonly resumeFlag: boolean;
  /**
   * Where a step of a faulting instruction ends: `handler` at or just inside the guest's handler, `free` when the
   * handler runs on without a stop, so that its entry needs a trap (docs/hosts.md).
   */
  readonly faultStep: 'handler' | 'free';
  /** A stepped PUSHF leaves TF set in the image it pushes. */
  readonly pushfLeaksTf: boolean;
  /** A step of MFENCE takes the next instruction along, as that of some others does which software KVM carries out apart from its emulator. */
  readonly stepsEndLate: boolean;
  /** A step at CPL 3 in long mode ends after one instruction; software KVM runs such code natively and past it. */
  readonly userStep: boolean;
  /** KVM_GUESTDBG_BLOCKIRQ is offered (KVM_CAP_SET_GUEST_DEBUG2). */
  readonly blockIrq: boolean;
}

/** True when `what` was seen in every mode: a patch planted in one mode may be reached in another. */
export function inEveryMode(capabilities: DebugCapabilities, what: keyof ModeCapabilities): boolean {
  return PROBE_MODES.every((mode) => capabilities.modes[mode][what]);
}
