/**
 * A vCPU as the rest of the program knows it: runs plans, decodes exits, and gives its registers as values.
 *
 * General and system registers come with every exit and cost no ioctl to read; a general register that is set is
 * applied by the next run. Debug registers, XSAVE and XCR0 are read once per stop. While the vCPU runs its registers
 * are those of the last stop and cannot be set; while an I/O or MMIO access waits to be completed they cannot be set
 * either (`complete` first), for KVM finishes the access from the registers it has.
 */
import type { DebugRegisters, GeneralRegisters, SystemRegisters } from '../x86/cpu-state.js';
import { ExitDecoder } from './exit-decoder.js';
import type { Exit } from './exit.js';
import { native as binding, type NativeVcpu } from './native.js';
import { generalRegistersView, systemRegistersView } from './register-views.js';
import { RunPlanEncoder, type RunPlan } from './run-plan.js';

/** How long a run that outlived its plan's wait is given to end after a kick. */
const KICK_WAIT_MICROSECONDS = 5_000_000;
const NO_LISTENER = (): void => undefined;

/** One vCPU. Methods throw NativeError: `ERR_STATE` while it runs or after `close`, an errno name where KVM refuses. */
export class Vcpu {
  readonly id: number;
  readonly #record: ArrayBuffer;
  readonly #view: DataView;
  readonly #decoder: ExitDecoder;
  readonly #planEncoder: RunPlanEncoder;
  readonly #regs: GeneralRegisters;
  readonly #sregs: SystemRegisters;
  readonly #at: Readonly<Record<string, { offset: number; size: number }>>;
  readonly #regsDirty: number;
  /** Called before each run: the place to give the processor an interrupt. */
  beforeRun: ((plan: RunPlan) => void) | undefined;
  readonly #readyAt: number;
  readonly #windowAt: number;
  #onExit: (exit: Exit) => void = NO_LISTENER;
  #debugRegisters: DebugRegisters | undefined;
  #xsave: Uint8Array | undefined;
  #xcr0: bigint | undefined;

  constructor(
    /** The binding's object, for state that has no typed form here. */
    readonly native: NativeVcpu,
  ) {
    const { layout, constants } = binding();
    this.id = native.id;
    this.#record = native.record;
    this.#view = new DataView(this.#record);
    this.#at = layout['exit_record'].fields;
    const run = this.#at['run'].offset;
    this.#readyAt = run + layout['kvm_run'].fields['ready_for_interrupt_injection'].offset;
    this.#windowAt = run + layout['kvm_run'].fields['request_interrupt_window'].offset;
    this.#regsDirty = constants['KVM_SYNC_X86_REGS'];
    this.#decoder = new ExitDecoder(this.#record);
    this.#planEncoder = new RunPlanEncoder(native.plan);
    this.#regs = generalRegistersView(layout, this.#view, this.#at['regs'].offset, () => this.#markRegs());
    this.#sregs = systemRegistersView(layout, this.#view, this.#at['sregs'].offset, refuseWrite);
    native.setExitListener(() => this.#exited());
  }

  /** Between a `run` that did not end at once and its `onExit`. */
  get running(): boolean { return this.native.running; }

  get closed(): boolean { return this.#record.byteLength === 0; }

  /** Live: reads the last exit's registers; a write is applied by the next run. */
  get regs(): GeneralRegisters {
    this.#checkOpen();
    return this.#regs;
  }

  /** Live view of the last exit's system registers, read-only. */
  readSregs(): SystemRegisters {
    this.#checkOpen();
    return this.#sregs;
  }

  /** Changes system registers at once (KVM_SET_SREGS). Throws NativeError when KVM refuses; then nothing is changed. */
  writeSregs(change: Partial<SystemRegisters>): void {
    this.#checkOpen();
    const { offset, size } = this.#at['sregs'];
    const bytes = new Uint8Array(this.#record, offset, size).slice();
    Object.assign(systemRegistersView(binding().layout, new DataView(bytes.buffer), 0), change);
    this.native.setSregs(bytes);
  }

  /** CS.base + RIP, in 64-bit code RIP; of the last stop, before any write to `regs`. */
  get linearPc(): bigint {
    this.#checkOpen();
    return this.#view.getBigUint64(this.#at['linear_pc'].offset, true);
  }

  /** Instructions that the current plan has completed, over all its runs. */
  get steps(): bigint {
    this.#checkOpen();
    return this.#view.getBigUint64(this.#at['steps'].offset, true);
  }

  /** An I/O, MMIO or MSR access waits to be completed by the next run or `complete`. */
  get completionPending(): boolean {
    this.#checkOpen();
    return this.#view.getUint32(this.#at['completion_pending'].offset, true) !== 0;
  }

  /**
   * After the last run, and so long as no register was set and no interrupt given since: KVM would take an interrupt from user
   * space (KVM api.rst, KVM_INTERRUPT).
   */
  get isReadyForInterrupt(): boolean {
    this.#checkOpen();
    return this.#view.getUint8(this.#readyAt) !== 0 && this.#view.getUint32(this.#at['dirty'].offset, true) === 0;
  }

  /** Whether runs end, with `irq-window-open`, as soon as that is so. */
  set interruptWindow(wanted: boolean) {
    this.#view.setUint8(this.#windowAt, wanted ? 1 : 0);
  }

  get debugRegisters(): DebugRegisters {
    if (this.#debugRegisters === undefined) {
      const bytes = this.native.getDebugregs();
      const view = new DataView(bytes.buffer);
      const { db, dr6, dr7 } = binding().layout['kvm_debugregs'].fields;
      const at = (i: number): bigint => view.getBigUint64(db.offset + 8 * i, true);
      this.#debugRegisters = {
        db: [at(0), at(1), at(2), at(3)],
        dr6: view.getBigUint64(dr6.offset, true),
        dr7: view.getBigUint64(dr7.offset, true),
      };
    }
    return this.#debugRegisters;
  }

  /** The guest's own debug registers (KVM_SET_DEBUGREGS); those of a plan's `debug` are apart from them. */
  set debugRegisters(value: DebugRegisters) {
    this.#debugRegisters = undefined;
    const { size, fields: { db, dr6, dr7 } } = binding().layout['kvm_debugregs'];
    const bytes = new Uint8Array(size);
    const view = new DataView(bytes.buffer);
    value.db.forEach((address, i) => view.setBigUint64(db.offset + 8 * i, address, true));
    view.setBigUint64(dr6.offset, value.dr6, true);
    view.setBigUint64(dr7.offset, value.dr7, true);
    this.native.setDebugregs(bytes);
  }

  /** Sets bits in the guest's DR6, as a #DB that is to be delivered to it would have. */
  mergeDr6(bits: bigint): void {
    const registers = this.debugRegisters;
    this.debugRegisters = { ...registers, dr6: registers.dr6 | bits };
  }

  /** `struct kvm_xsave`, the standard form (SDM vol. 1, 13.4); read once per stop, not to be changed in place. */
  get xsave(): Uint8Array { return (this.#xsave ??= this.native.getXsave()); }

  set xsave(value: Uint8Array) {
    this.#xsave = undefined;
    this.native.setXsave(value);
  }

  /** XCR0; 1 (x87 alone) where the host has no XSAVE. */
  get xcr0(): bigint {
    if (this.#xcr0 === undefined) {
      const { count, view, index, value } = this.#readXcrs();
      this.#xcr0 = 1n;
      for (let i = 0; i < count; i++) if (view.getUint32(index(i), true) === 0) this.#xcr0 = view.getBigUint64(value(i), true);
    }
    return this.#xcr0;
  }

  set xcr0(wanted: bigint) {
    this.#xcr0 = undefined;
    const { count, bytes, view, index, value } = this.#readXcrs();
    for (let i = 0; i < count; i++) if (view.getUint32(index(i), true) === 0) view.setBigUint64(value(i), wanted, true);
    this.native.setXcrs(bytes);
  }

  /** KVM_MP_STATE_*. */
  get mpState(): number { return this.native.getMpState(); }

  set mpState(state: number) {
    this.forget();
    this.native.setMpState(state);
  }

  /** `struct kvm_regs` and `struct kvm_sregs` as they are in the exit record; no ioctl. */
  copyRegisters(): { regs: Uint8Array; sregs: Uint8Array } {
    this.#checkOpen();
    const copy = ({ offset, size }: { offset: number; size: number }): Uint8Array => new Uint8Array(this.#record, offset, size).slice();
    return { regs: copy(this.#at['regs']), sregs: copy(this.#at['sregs']) };
  }

  /** Puts back what `copyRegisters` gave (KVM_SET_SREGS, KVM_SET_REGS). */
  restoreRegisters(regs: Uint8Array, sregs: Uint8Array): void {
    this.native.setSregs(sregs);
    this.native.setRegs(regs);
  }

  /**
   * Carries out a plan. `onExit` is called once: before `run` returns if the run ends within `plan.waitMicroseconds`,
   * else from the event loop. The exit's data is valid until the vCPU runs again.
   */
  run(plan: RunPlan, onExit: (exit: Exit) => void): void {
    this.#checkParked();
    this.#planEncoder.encode(plan);
    this.forget();
    this.beforeRun?.(plan);
    this.#onExit = onExit;
    if (this.native.run(plan.waitMicroseconds)) this.#exited();
  }

  /** Carries out a plan without the event loop: a run that outlives `plan.waitMicroseconds` is kicked. For probes. */
  runToExit(plan: RunPlan): Exit {
    this.#checkParked();
    this.#planEncoder.encode(plan);
    this.forget();
    if (!this.native.run(plan.waitMicroseconds)) {
      this.native.kick();
      if (!this.native.wait(KICK_WAIT_MICROSECONDS)) throw new Error(`vcpu ${this.id} does not stop: KVM_RUN ignores the kick`);
    }
    return this.#decoder.decode();
  }

  /** Waits for the end of a run that goes on in the background; if it comes in time, `onExit` is called before this returns. */
  await(microseconds: number): void { if (this.native.wait(microseconds)) this.#exited(); }

  /** Ends the run under way, or the next before its first instruction; see NativeVcpu.kick for what uses it up. */
  kick(): void { this.native.kick(); }

  /** Finishes a pending access without executing more; what came instead (the next fragment of it), if not finished. */
  complete(): Exit | undefined {
    this.forget();
    return this.native.complete() ? undefined : this.#decoder.decode();
  }

  /** Answers an MSR exit (KVM api.rst, KVM_EXIT_X86_RDMSR): the value for a read; `failed` gives the guest a #GP. */
  answerMsr(value: bigint, failed: boolean): void {
    const { exit_record, kvm_run } = binding().layout;
    const run = exit_record.fields['run'].offset;
    this.#view.setBigUint64(run + kvm_run.fields['msr.data'].offset, value, true);
    this.#view.setUint8(run + kvm_run.fields['msr.error'].offset, failed ? 1 : 0);
  }

  /** Idempotent; a run under way is ended and its `onExit` is not called. */
  close(): void {
    this.#onExit = NO_LISTENER;
    this.forget();
    this.native.close();
  }

  #exited(): void {
    const onExit = this.#onExit;
    this.#onExit = NO_LISTENER;
    onExit(this.#decoder.decode());
  }

  /** What was read of this stop was changed past this object: it is read again. */
  forget(): void {
    this.#debugRegisters = undefined;
    this.#xsave = undefined;
    this.#xcr0 = undefined;
  }

  #checkOpen(): void {
    if (this.closed) throw stateError(`vcpu ${this.id} is closed`);
  }

  #checkParked(): void {
    this.#checkOpen();
    // Before the plan buffer or the listener is touched, which belong to the run under way.
    if (this.native.running) throw stateError(`vcpu ${this.id} is running`);
  }

  #markRegs(): void {
    this.#checkParked();
    if (this.completionPending) throw stateError(`vcpu ${this.id} has an access to complete: call complete() before its registers are changed`);
    const { offset } = this.#at['dirty'];
    this.#view.setUint32(offset, this.#view.getUint32(offset, true) | this.#regsDirty, true);
  }

  #readXcrs(): { count: number; bytes: Uint8Array; view: DataView; index: (i: number) => number; value: (i: number) => number } {
    const { layout } = binding();
    const bytes = this.native.getXcrs();
    const view = new DataView(bytes.buffer);
    const { nr_xcrs, xcrs } = layout['kvm_xcrs'].fields;
    const { size, fields } = layout['kvm_xcr'];
    const count = Math.min(view.getUint32(nr_xcrs.offset, true), xcrs.size / size);
    return {
      count, bytes, view,
      index: (i) => xcrs.offset + i * size + fields['xcr'].offset,
      value: (i) => xcrs.offset + i * size + fields['value'].offset,
    };
  }
}

function stateError(message: string): Error {
  return Object.assign(new Error(message), { code: 'ERR_STATE', errno: 0, operation: 'vcpu' });
}

function refuseWrite(): never {
  throw new TypeError('System registers are changed by writeSregs, not in place.');
}
