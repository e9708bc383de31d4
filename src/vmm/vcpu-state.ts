/**
 * The whole state of a vCPU, as KVM tells and takes it: what a snapshot holds. Times (TSC, its deadline, the local APIC's
 * timer count) are GuestClock's. The order of restoring is that of dependence: system registers before the local APIC
 * (APIC_BASE enables it) and before nested state (CR4.VMXE, EFER.SVME), events last.
 */
import { native as binding, type NativeError, type NativeVcpu } from './native.js';
import { MSR } from '../x86/msrs.js';
import type { Vcpu } from './vcpu.js';

export interface VcpuState {
  /** `struct kvm_regs`. */
  readonly regs: Uint8Array;
  /** `struct kvm_sregs2`, or `struct kvm_sregs` on a host without KVM_CAP_SREGS2. */
  readonly sregs: Uint8Array;
  readonly xsave: Uint8Array;
  readonly xcrs: Uint8Array;
  readonly debugregs: Uint8Array;
  readonly msrIndices: Uint32Array;
  readonly msrValues: BigUint64Array;
  readonly lapic: Uint8Array | undefined;
  readonly events: Uint8Array;
  /** KVM_MP_STATE_*. */
  readonly mpState: number;
  /** `struct kvm_nested_state` with its data; empty where the host has none. */
  readonly nested: Uint8Array;
}

/** Those that GuestClock has. */
const TIMES: ReadonlySet<number> = new Set([MSR.tsc, MSR.tsc_deadline]);

/**
 * Reads it. The vCPU must not be running; an access that waits to be completed is finished first. `msrs`: those that can be
 * read and written (`PristineVcpu.msrIndices`).
 */
export function captureVcpu(vcpu: Vcpu, msrs: Uint32Array, localApic: boolean): VcpuState {
  const { native } = vcpu;
  while (vcpu.completionPending) vcpu.complete();
  // Asked first: a SIPI that waits takes effect by it.
  const mpState = localApic ? vcpu.mpState : binding().constants['KVM_MP_STATE_RUNNABLE'];
  // What was set and not run yet is in the copies.
  const { regs, sregs } = vcpu.copyRegisters();
  const nested = native.getNestedState();
  const msrIndices = Uint32Array.from([...msrs, ...(nested.length > 0 ? [MSR.feature_control] : [])].filter((index) => !TIMES.has(index)));
  return {
    regs, mpState, nested, msrIndices,
    sregs: sregs2(native) ?? sregs,
    xsave: native.getXsave(),
    xcrs: native.getXcrs(),
    debugregs: native.getDebugregs(),
    msrValues: native.getMsrs(msrIndices),
    lapic: localApic ? native.getLapic() : undefined,
    events: native.getVcpuEvents(),
  };
}

/** Writes it into a vCPU that is not running. */
export function restoreVcpu(vcpu: Vcpu, state: VcpuState): void {
  const { native } = vcpu;
  while (vcpu.completionPending) vcpu.complete();
  const vmx = state.msrIndices.indexOf(MSR.feature_control);
  if (vmx >= 0) native.setMsrs(state.msrIndices.subarray(vmx, vmx + 1), state.msrValues.subarray(vmx, vmx + 1));
  if (state.sregs.length === binding().layout['kvm_sregs2'].size) native.setSregs2(state.sregs);
  else native.setSregs(state.sregs);
  if (state.nested.length > 0) native.setNestedState(state.nested);
  native.setXcrs(state.xcrs);
  vcpu.xsave = state.xsave;
  if (state.lapic !== undefined) native.setLapic(state.lapic);
  native.setMsrs(state.msrIndices, state.msrValues);
  native.setRegs(state.regs);
  native.setDebugregs(state.debugregs);
  native.setVcpuEvents(state.events);
  if (state.lapic !== undefined) vcpu.mpState = state.mpState;
  vcpu.forget();
}

/** With PAE's page directory pointers; undefined on kernels before 5.14. */
function sregs2(vcpu: NativeVcpu): Uint8Array | undefined {
  try {
    return vcpu.getSregs2();
  } catch (error) {
    if ((error as NativeError).code !== 'ENOTTY' && (error as NativeError).code !== 'EINVAL') throw error;
    return undefined;
  }
}
