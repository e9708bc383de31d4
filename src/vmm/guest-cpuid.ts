/** Gives a vCPU the CPUID table of its machine, and says in words what KVM does not take or the guest would miss. */
import type { LoadedGuest } from './boot/boot-options.js';
import { applyCpuChoice, checkCpuChoice, type CpuChoice } from './cpu-choice.js';
import { cpuidTable, type CpuidOptions } from './cpuid-table.js';
import { checkIsaLevel } from './isa-level.js';
import { native, type NativeError } from './native.js';
import type { Vcpu } from './vcpu.js';

export interface GuestCpuid extends CpuidOptions {
  /** KVM_GET_SUPPORTED_CPUID: `struct kvm_cpuid_entry2[]`. */
  readonly supported: Uint8Array;
  readonly choice: CpuChoice | undefined;
  readonly guest: LoadedGuest | undefined;
  readonly guestName: string;
}

/**
 * Sets the table. Throws RangeError for a choice that the host does not follow, GuestError for a guest that needs more
 * than the table shows; returns a sentence for one that merely uses more.
 */
export function setGuestCpuid(vcpu: Vcpu, { supported, choice, guest, guestName, ...options }: GuestCpuid): string | undefined {
  const layout = native().layout['kvm_cpuid_entry2'];
  if (layout === undefined) throw new Error('The binding does not know kvm_cpuid_entry2; build it again with: npm run build');
  const table = cpuidTable(supported, layout, options);
  try {
    vcpu.native.setCpuid2(choice === undefined ? table : applyCpuChoice(table, supported, layout, choice, options.localApic));
  } catch (error) {
    const { operation, code } = error as NativeError;
    if (choice === undefined || operation !== 'KVM_SET_CPUID2') throw error;
    throw new RangeError(`This host's KVM refuses the CPUID that --cpu asks for (${code}); change fewer features.`, { cause: error });
  }
  if (choice === undefined && guest?.isa === undefined) return undefined;
  const shown = vcpu.native.getCpuid2();
  if (choice !== undefined) checkCpuChoice(shown, layout, choice);
  return guest === undefined ? undefined : checkIsaLevel(guest, guestName, shown, layout, choice !== undefined);
}
