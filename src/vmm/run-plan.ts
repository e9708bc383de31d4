/**
 * What a vCPU is to do until it is asked about again, and its encoding as `struct RunPlan` (native/core/run-plan.h).
 */
import { native } from './native.js';

/** `struct kvm_guest_debug` as plain values (KVM api.rst, KVM_SET_GUEST_DEBUG). */
export interface GuestDebug {
  /** KVM_GUESTDBG_*. A step plan gets ENABLE and SINGLESTEP by itself, a continue plan never has SINGLESTEP. */
  readonly control: number;
  /** Eight values; 0–3 and 7 count, and only with KVM_GUESTDBG_USE_HW_BP. */
  readonly debugreg: readonly bigint[];
}

export interface RunPlan {
  readonly mode: 'continue' | 'step';
  /** Absent: no debugging. INJECT flags act once, when the plan is fresh. */
  readonly debug?: GuestDebug;
  /** Step while `start <= linear pc < end`. */
  readonly range?: { readonly start: bigint; readonly end: bigint } | undefined;
  /** Linear addresses, at most 1024: the plan ends when the pc is one of them after a step. */
  readonly until?: readonly bigint[] | undefined;
  /** Ends after so many steps. Default: 1 for a step plan with neither `range` nor `until`, else no limit. */
  readonly maxSteps?: number;
  /** Take the leaked TF out of what a stepped PUSHF pushed (VMX, SVM). */
  readonly fixPushf?: boolean;
  /** Have a debug register end the steps that the host ends one instruction later (software KVM). */
  readonly endLateSteps?: boolean;
  /** How long `run` waits for the end before the run becomes asynchronous. */
  readonly waitMicroseconds: number;
  /** False: the plan that ran before goes on after its exit was served; everything but the wait is as it was then. */
  readonly fresh: boolean;
}

const NO_REGISTERS: readonly bigint[] = [];

/** Writes plans into a vCPU's plan buffer. */
export class RunPlanEncoder {
  readonly #view: DataView;
  readonly #until: BigUint64Array;
  readonly #offset: Readonly<Record<string, number>>;
  readonly #fresh: number;
  readonly #fixPushf: number;
  readonly #endLateSteps: number;
  readonly #maximumUntil: number;
  #flags = 0;

  constructor(plan: ArrayBuffer) {
    const { constants, layout } = native();
    const { fields } = layout['run_plan'];
    this.#view = new DataView(plan);
    this.#until = new BigUint64Array(plan, fields['until'].offset, fields['until'].size / 8);
    this.#offset = Object.fromEntries(Object.entries(fields).map(([name, { offset }]) => [name, offset]));
    this.#fresh = constants['RUN_PLAN_FRESH'];
    this.#fixPushf = constants['RUN_PLAN_FIX_PUSHF'];
    this.#endLateSteps = constants['RUN_PLAN_END_LATE_STEPS'];
    this.#maximumUntil = constants['RUN_PLAN_MAXIMUM_UNTIL'];
  }

  /** Throws RangeError for a plan that cannot be carried out. */
  encode(plan: RunPlan): void {
    const offset = this.#offset;
    const view = this.#view;
    if (!plan.fresh) {
      view.setUint32(offset['flags'], this.#flags & ~this.#fresh, true);
      return;
    }
    const { range, until, debug } = plan;
    const count = until?.length ?? 0;
    if (count > this.#maximumUntil) {
      throw new RangeError(`A run plan holds at most ${this.#maximumUntil} addresses to stop at, not ${count}.`);
    }
    if (range !== undefined && range.start >= range.end) throw new RangeError('The range of a run plan is empty.');
    const maxSteps = plan.maxSteps ?? (range === undefined && until === undefined ? 1 : 0);
    this.#flags = this.#fresh | (plan.fixPushf === true ? this.#fixPushf : 0) | (plan.endLateSteps === true ? this.#endLateSteps : 0);
    view.setUint32(offset['mode'], plan.mode === 'step' ? 1 : 0, true);
    view.setUint32(offset['flags'], this.#flags, true);
    view.setUint32(offset['debug_control'], debug?.control ?? 0, true);
    view.setUint32(offset['until_count'], count, true);
    const registers = debug?.debugreg ?? NO_REGISTERS;
    for (let i = 0; i < 8; i++) view.setBigUint64(offset['debugreg'] + 8 * i, registers[i] ?? 0n, true);
    view.setBigUint64(offset['range_start'], range?.start ?? 0n, true);
    view.setBigUint64(offset['range_end'], range?.end ?? 0n, true);
    view.setBigUint64(offset['max_steps'], BigInt(maxSteps), true);
    if (until !== undefined) this.#until.subarray(0, count).set(BigUint64Array.from(until).sort());
  }
}
