/**
 * Why a vCPU came back from KVM_RUN: one variant per KVM_EXIT_* that x86 KVM produces, in the kernel's names
 * (Documentation/virt/kvm/api.rst, "The kvm_run structure"), and three that are ours: `plan-done`, `kicked`
 * and `run-error`. Pure types, so `breakpoints` may import them.
 */

/** Data the guest waits for (`in`, MMIO read) is written into `data` before the vCPU runs again. */
export interface IoExit {
  readonly reason: 'io';
  readonly direction: 'in' | 'out';
  /** Bytes per element: 1, 2 or 4. */
  readonly size: number;
  readonly port: number;
  /** Elements; more than 1 only for REP INS/OUTS. */
  readonly count: number;
  /** `size * count` bytes, a live view of the exit record. */
  readonly data: Uint8Array;
}

export interface MmioExit {
  readonly reason: 'mmio';
  readonly isWrite: boolean;
  /** Guest-physical address. */
  readonly address: bigint;
  /** 1..8 bytes, a live view of the exit record. */
  readonly data: Uint8Array;
}

export interface DebugExit {
  readonly reason: 'debug';
  /** Vector: 1 (#DB) or 3 (#BP). */
  readonly exception: number;
  /** Linear address: CS.base + IP. */
  readonly pc: bigint;
  readonly dr6: bigint;
  readonly dr7: bigint;
}

export interface InternalErrorExit {
  readonly reason: 'internal-error';
  /** 1 emulation, 2 simultaneous exceptions, 3 event delivery, 4 unexpected exit. */
  readonly suberror: number;
  readonly data: readonly bigint[];
  /** The instruction KVM's emulator refused, when KVM says it (suberror 1). */
  readonly instruction?: Uint8Array;
}

/** An access that KVM was asked to report. */
export interface MsrExit {
  readonly reason: 'rdmsr' | 'wrmsr';
  readonly index: number;
  /** What the guest writes; of a read what it gets, once the access was served. */
  value: bigint;
  /** KVM_MSR_EXIT_REASON_*. */
  readonly msrReason: number;
  /** The guest gets a #GP. */
  failed?: true;
}

export type Exit =
  | IoExit
  | MmioExit
  | DebugExit
  | InternalErrorExit
  | { readonly reason: 'hlt' }
  /** Triple fault. */
  | { readonly reason: 'shutdown' }
  | { readonly reason: 'fail-entry'; readonly hardwareReason: bigint; readonly cpu: number }
  | { readonly reason: 'exception'; readonly exception: number; readonly errorCode: number }
  | { readonly reason: 'hypercall'; readonly nr: bigint; readonly args: readonly bigint[] }
  | { readonly reason: 'irq-window-open' }
  | { readonly reason: 'set-tpr' }
  | { readonly reason: 'tpr-access'; readonly rip: bigint; readonly isWrite: boolean }
  | { readonly reason: 'ioapic-eoi'; readonly vector: number }
  | { readonly reason: 'system-event'; readonly type: number; readonly data: readonly bigint[] }
  | MsrExit
  | { readonly reason: 'nmi' }
  | { readonly reason: 'bus-lock' }
  | { readonly reason: 'notify'; readonly flags: number }
  | { readonly reason: 'memory-fault'; readonly flags: bigint; readonly address: bigint; readonly size: bigint }
  | { readonly reason: 'unsupported'; readonly number: number }
  /** The run plan ended by itself: its steps are done, the pc left its range or met one of its addresses. */
  | { readonly reason: 'plan-done'; readonly pc: bigint }
  /** KVM_RUN returned EINTR because of a kick; nothing is pending. */
  | { readonly reason: 'kicked' }
  /** KVM_RUN failed. */
  | { readonly reason: 'run-error'; readonly errno: number; readonly message: string };

export type ExitReason = Exit['reason'];
