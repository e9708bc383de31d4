/**
 * An exit record as an `Exit` (Documentation/virt/kvm/api.rst, "The kvm_run structure"). Port I/O and debug exits come
 * first, for they are the hot path of devices and steps.
 */
import type { Exit } from './exit.js';
import { native } from './native.js';

/** The kernel writes at most 16 words behind an internal error or system event. */
const MAXIMUM_DATA_WORDS = 16;
const MAXIMUM_INSTRUCTION_BYTES = 15;

export class ExitDecoder {
  readonly #record: ArrayBuffer;
  readonly #view: DataView;
  readonly #record_at: Readonly<Record<string, number>>;
  /** Offsets of `struct kvm_run` fields within the record. */
  readonly #run_at: Readonly<Record<string, number>>;
  readonly #number: Readonly<Record<string, number>> = native().constants;

  constructor(record: ArrayBuffer) {
    const { exit_record, kvm_run } = native().layout;
    this.#record = record;
    this.#view = new DataView(record);
    this.#record_at = Object.fromEntries(Object.entries(exit_record.fields).map(([name, { offset }]) => [name, offset]));
    const run = exit_record.fields['run'].offset;
    this.#run_at = Object.fromEntries(Object.entries(kvm_run.fields).map(([name, { offset }]) => [name, run + offset]));
  }

  /** The exit; its `data` arrays are views of the record, valid until the vCPU runs again. */
  decode(): Exit {
    const { outcome, linear_pc, error, error_operation } = this.#record_at;
    switch (this.#view.getUint32(outcome, true)) {
      case this.#number['OUTCOME_EXIT']:
        return this.#decodeRun();
      case this.#number['OUTCOME_PLAN_DONE']:
        return { reason: 'plan-done', pc: this.#view.getBigUint64(linear_pc, true) };
      case this.#number['OUTCOME_KICKED']:
        return { reason: 'kicked' };
      default: {
        const errno = this.#view.getInt32(error, true);
        const operation = this.#view.getUint32(error_operation, true) === 0 ? 'KVM_RUN' : 'KVM_SET_GUEST_DEBUG';
        return { reason: 'run-error', errno, message: native().describeError(operation, errno) };
      }
    }
  }

  #u8(field: string): number { return this.#view.getUint8(this.#run_at[field]); }
  #u32(field: string): number { return this.#view.getUint32(this.#run_at[field], true); }
  #u64(field: string): bigint { return this.#view.getBigUint64(this.#run_at[field], true); }

  #words(field: string, count: number): readonly bigint[] {
    const at = this.#run_at[field];
    return Array.from({ length: Math.min(count, MAXIMUM_DATA_WORDS) }, (_, i) => this.#view.getBigUint64(at + 8 * i, true));
  }

  #decodeRun(): Exit {
    const number = this.#number;
    const reason = this.#u32('exit_reason');
    if (reason === number['KVM_EXIT_IO']) return this.#decodeIo();
    if (reason === number['KVM_EXIT_DEBUG']) {
      return {
        reason: 'debug',
        exception: this.#u32('debug.arch.exception'),
        pc: this.#u64('debug.arch.pc'),
        dr6: this.#u64('debug.arch.dr6'),
        dr7: this.#u64('debug.arch.dr7'),
      };
    }
    switch (reason) {
      case number['KVM_EXIT_MMIO']:
        return {
          reason: 'mmio',
          isWrite: this.#u8('mmio.is_write') !== 0,
          address: this.#u64('mmio.phys_addr'),
          data: new Uint8Array(this.#record, this.#run_at['mmio.data'], Math.min(this.#u32('mmio.len'), 8)),
        };
      case number['KVM_EXIT_HLT']: return { reason: 'hlt' };
      case number['KVM_EXIT_SHUTDOWN']: return { reason: 'shutdown' };
      case number['KVM_EXIT_IRQ_WINDOW_OPEN']: return { reason: 'irq-window-open' };
      case number['KVM_EXIT_SET_TPR']: return { reason: 'set-tpr' };
      case number['KVM_EXIT_NMI']: return { reason: 'nmi' };
      case number['KVM_EXIT_X86_BUS_LOCK']: return { reason: 'bus-lock' };
      case number['KVM_EXIT_INTERNAL_ERROR']: return this.#decodeInternalError();
      case number['KVM_EXIT_X86_RDMSR']: return this.#decodeMsr('rdmsr');
      case number['KVM_EXIT_X86_WRMSR']: return this.#decodeMsr('wrmsr');
      default: return this.#decodeRare(reason);
    }
  }

  #decodeIo(): Exit {
    const length = this.#view.getUint32(this.#record_at['data_length'], true);
    return {
      reason: 'io',
      direction: this.#u8('io.direction') === this.#number['KVM_EXIT_IO_IN'] ? 'in' : 'out',
      size: this.#u8('io.size'),
      port: this.#view.getUint16(this.#run_at['io.port'], true),
      count: this.#u32('io.count'),
      data: new Uint8Array(this.#record, this.#record_at['data'], length),
    };
  }

  #decodeInternalError(): Exit {
    const suberror = this.#u32('internal.suberror');
    const data = this.#words('internal.data', this.#u32('internal.ndata'));
    // `struct emulation_failure` overlays `internal`: flags is data[0], the instruction data[1] and data[2].
    const hasInstruction = suberror === this.#number['KVM_INTERNAL_ERROR_EMULATION'] && data.length >= 3 &&
      (data[0] & BigInt(this.#number['KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES'])) !== 0n;
    if (!hasInstruction) return { reason: 'internal-error', suberror, data };
    const size = Math.min(this.#u8('emulation_failure.insn_size'), MAXIMUM_INSTRUCTION_BYTES);
    const instruction = new Uint8Array(this.#record, this.#run_at['emulation_failure.insn_bytes'], size).slice();
    return { reason: 'internal-error', suberror, data, instruction };
  }

  #decodeMsr(reason: 'rdmsr' | 'wrmsr'): Exit {
    return { reason, index: this.#u32('msr.index'), value: this.#u64('msr.data'), msrReason: this.#u32('msr.reason') };
  }

  #decodeRare(reason: number): Exit {
    const number = this.#number;
    switch (reason) {
      case number['KVM_EXIT_FAIL_ENTRY']:
        return { reason: 'fail-entry', hardwareReason: this.#u64('fail_entry.hardware_entry_failure_reason'), cpu: this.#u32('fail_entry.cpu') };
      case number['KVM_EXIT_EXCEPTION']:
        return { reason: 'exception', exception: this.#u32('ex.exception'), errorCode: this.#u32('ex.error_code') };
      case number['KVM_EXIT_HYPERCALL']:
        return { reason: 'hypercall', nr: this.#u64('hypercall.nr'), args: this.#words('hypercall.args', 6) };
      case number['KVM_EXIT_TPR_ACCESS']:
        return { reason: 'tpr-access', rip: this.#u64('tpr_access.rip'), isWrite: this.#u32('tpr_access.is_write') !== 0 };
      case number['KVM_EXIT_IOAPIC_EOI']:
        return { reason: 'ioapic-eoi', vector: this.#u8('eoi.vector') };
      case number['KVM_EXIT_SYSTEM_EVENT']:
        return { reason: 'system-event', type: this.#u32('system_event.type'), data: this.#words('system_event.data', this.#u32('system_event.ndata')) };
      case number['KVM_EXIT_NOTIFY']:
        return { reason: 'notify', flags: this.#u32('notify.flags') };
      case number['KVM_EXIT_MEMORY_FAULT']:
        return { reason: 'memory-fault', flags: this.#u64('memory_fault.flags'), address: this.#u64('memory_fault.gpa'), size: this.#u64('memory_fault.size') };
      default:
        return { reason: 'unsupported', number: reason };
    }
  }
}
