/**
 * What a reset has to put back in a vCPU besides general and system registers. KVM offers no reset from user space
 * and a vCPU lives as long as its VM, so the state right after creation is kept and written back.
 */
import type { NativeError, NativeVcpu } from './native.js';
import { RESET_DEBUG_REGISTERS } from './reset-state.js';
import type { Vcpu } from './vcpu.js';

const MSR_TSC = 0x10;
/** IA32_MTRR_DEF_TYPE (SDM vol. 3A, 12.11.2.1): MTRRs on, default write-back, as firmware leaves it. */
const MSR_MTRR_DEF_TYPE = 0x2ff;
const MTRR_WRITE_BACK = 0x806n;
/** Memory type ranges, which the list of older kernels leaves out: eight variable ones, eleven fixed, the default. */
const MTRRS = [
  ...Array.from({ length: 16 }, (_, i) => 0x200 + i),
  0x250, 0x258, 0x259, ...Array.from({ length: 8 }, (_, i) => 0x268 + i),
  MSR_MTRR_DEF_TYPE,
];
/** MSRs that are no part of this: they come with the system registers, count, or are locked once written. */
const LEFT_ALONE = new Set([
  0x1b, 0xc000_0080, 0xc000_0100, 0xc000_0101, // APIC_BASE, EFER, FS and GS base
  0x3a, // IA32_FEATURE_CONTROL
  0xe7, 0xe8, // MPERF, APERF
]);

export interface PristineVcpu {
  readonly xsave: Uint8Array;
  readonly xcrs: Uint8Array;
  readonly events: Uint8Array;
  readonly msrIndices: Uint32Array;
  readonly msrValues: BigUint64Array;
  readonly lapic: Uint8Array | undefined;
  /** KVM_MP_STATE_*. */
  readonly mpState: number;
}

/**
 * Reads the state of a vCPU that has never run and has its CPUID table. `indices` is KVM's list of MSRs; those this
 * vCPU does not have are left out.
 */
export function capturePristine(vcpu: NativeVcpu, indices: Uint32Array, localApic: boolean): PristineVcpu {
  const msrIndices: number[] = [];
  const msrValues: bigint[] = [];
  const wanted = [...new Set([...indices, ...MTRRS])].filter((index) => !LEFT_ALONE.has(index));
  for (const [index, value] of readableMsrs(vcpu, Uint32Array.from(wanted))) {
    msrIndices.push(index);
    msrValues.push(index === MSR_TSC ? 0n : index === MSR_MTRR_DEF_TYPE ? MTRR_WRITE_BACK : value);
  }
  return {
    xsave: vcpu.getXsave(),
    xcrs: vcpu.getXcrs(),
    events: vcpu.getVcpuEvents(),
    ...settable(vcpu, Uint32Array.from(msrIndices), BigUint64Array.from(msrValues)),
    lapic: localApic ? vcpu.getLapic() : undefined,
    mpState: vcpu.getMpState(),
  };
}

/** Writes it back, with the debug registers of the SDM's table. The vCPU must not be running. */
export function restorePristine(vcpu: Vcpu, state: PristineVcpu): void {
  const { native } = vcpu;
  native.setXcrs(state.xcrs);
  vcpu.xsave = state.xsave;
  vcpu.debugRegisters = RESET_DEBUG_REGISTERS;
  native.setMsrs(state.msrIndices, state.msrValues);
  if (state.lapic !== undefined) native.setLapic(state.lapic);
  native.setVcpuEvents(state.events);
  vcpu.mpState = state.mpState;
}

/** Reads as many MSRs at once as KVM gives; it stops at the first that it refuses. */
function readableMsrs(vcpu: NativeVcpu, indices: Uint32Array): Map<number, bigint> {
  const found = new Map<number, bigint>();
  try {
    vcpu.getMsrs(indices).forEach((value, i) => found.set(indices[i], value));
    return found;
  } catch (error) {
    checkRefused(error);
    for (const index of indices) {
      try {
        found.set(index, vcpu.getMsrs(Uint32Array.of(index))[0]);
      } catch (refusal) {
        // This vCPU's CPUID does not have it.
        checkRefused(refusal);
      }
    }
    return found;
  }
}

/** Those that can be written back: some of the list are read-only on some hosts. */
function settable(vcpu: NativeVcpu, indices: Uint32Array, values: BigUint64Array): Pick<PristineVcpu, 'msrIndices' | 'msrValues'> {
  try {
    vcpu.setMsrs(indices, values);
    return { msrIndices: indices, msrValues: values };
  } catch (error) {
    checkRefused(error);
    const kept = [...indices].map((index, i) => ({ index, value: values[i] })).filter(({ index, value }) => {
      try {
        vcpu.setMsrs(Uint32Array.of(index), BigUint64Array.of(value));
        return true;
      } catch (refusal) {
        checkRefused(refusal);
        return false;
      }
    });
    return { msrIndices: Uint32Array.from(kept.map(({ index }) => index)), msrValues: BigUint64Array.from(kept.map(({ value }) => value)) };
  }
}

/** Throws on what is not KVM's answer about one MSR: an ioctl that failed says nothing of the MSRs, which a reset would miss. */
function checkRefused(error: unknown): void {
  if ((error as Partial<NativeError>).code !== 'ERR_ARGUMENT') throw error;
}
