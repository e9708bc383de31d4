/**
 * MSRs whose accesses KVM reports before they are carried out (KVM api.rst, KVM_X86_SET_MSR_FILTER and
 * KVM_CAP_X86_USER_SPACE_MSR). The access is then carried out here, so that the guest sees no difference.
 */
import { MSR } from '../x86/msrs.js';
import type { MsrExit } from './exit.js';
import { native, type NativeError, type NativeVm } from './native.js';
import type { Vcpu } from './vcpu.js';

/** KVM handles x2APIC registers before it looks at the filter (api.rst). */
const X2APIC_FIRST = 0x800;
const X2APIC_LAST = 0x8ff;

/**
 * LME, LMA and NXE. A software KVM that finds one of them changed when it completes a WRMSR carries that out again, so
 * they are written behind it.
 */
const EFER_ROLE = 0xd00n;

export class MsrReports {
  #enabled = false;
  #indices: readonly number[] = [];

  constructor(private readonly vm: NativeVm) {}

  /** Reports accesses to these MSRs and no others. Throws an Error with one sentence where that is not possible. */
  set(indices: readonly number[]): void {
    if (indices.length === 0 && this.#indices.length === 0) return;
    const { constants } = native();
    const wanted = [...new Set(indices)];
    const x2apic = wanted.find((index) => index >= X2APIC_FIRST && index <= X2APIC_LAST);
    if (x2apic !== undefined) throw new Error(`KVM does not report accesses to MSR 0x${x2apic.toString(16)}, a register of the x2APIC.`);
    const most = constants['KVM_MSR_FILTER_MAX_RANGES'];
    if (wanted.length > most) throw new Error(`KVM reports at most ${most} MSRs at once.`);
    this.#enable();
    this.vm.setMsrFilter(Uint32Array.from(wanted));
    this.#indices = wanted;
  }

  /** Carries out a reported access: `exit.value` becomes what was read. `unknown`: the exit was not asked for. */
  serve(vcpu: Vcpu, exit: MsrExit): 'served' | 'unknown' {
    if (exit.msrReason !== native().constants['KVM_MSR_EXIT_REASON_FILTER']) return 'unknown';
    const index = Uint32Array.of(exit.index);
    const write = (value: bigint): void => vcpu.native.setMsrs(index, BigUint64Array.of(value));
    try {
      if (exit.reason === 'rdmsr') {
        exit.value = vcpu.native.getMsrs(index)[0];
      } else if (exit.index === MSR.efer) {
        const { efer } = vcpu.readSregs();
        write((exit.value & ~EFER_ROLE) | (efer & EFER_ROLE));
        vcpu.answerMsr(exit.value, false);
        vcpu.complete();
        write(exit.value);
        return 'served';
      } else {
        write(exit.value);
      }
    } catch (error) {
      if ((error as NativeError).code !== 'ERR_ARGUMENT') throw error;
      // KVM refuses it, as it would have refused the guest.
      exit.failed = true;
    }
    vcpu.answerMsr(exit.value, exit.failed === true);
    return 'served';
  }

  #enable(): void {
    if (this.#enabled) return;
    const { constants } = native();
    const filter = constants['KVM_MSR_EXIT_REASON_FILTER'];
    const capability = constants['KVM_CAP_X86_USER_SPACE_MSR'];
    if (this.vm.checkExtension(capability) === 0 || this.vm.checkExtension(constants['KVM_CAP_X86_MSR_FILTER']) === 0) {
      throw new Error("This host's KVM cannot report accesses to MSRs: Linux 5.10 or newer is needed.");
    }
    this.vm.enableCap(capability, filter);
    this.#enabled = true;
  }
}
