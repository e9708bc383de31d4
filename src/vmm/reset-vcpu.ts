/** Puts a vCPU before its first instruction. */
import type { LoadedGuest } from './boot/boot-options.js';
import { restorePristine, type PristineVcpu } from './pristine-vcpu.js';
import { applyCpuState, resetState } from './reset-state.js';
import type { Vcpu } from './vcpu.js';

/** The bootstrap processor stands where the guest begins, or at the reset vector; the others wait to be started. */
export function resetVcpu(vcpu: Vcpu, pristine: PristineVcpu, guest: LoadedGuest | undefined): void {
  // KVM finishes an access from the registers it has, so that comes before they change.
  while (vcpu.completionPending) vcpu.complete();
  const bootstrap = vcpu.id === 0;
  const state = bootstrap && guest !== undefined ? guest.cpu : resetState({ bootstrap });
  // A local APIC can only be set while APIC_BASE enables it, so registers come first.
  applyCpuState(vcpu, state);
  restorePristine(vcpu, pristine);
  if (bootstrap) return;
  // Set at once: what waits for the next run would be put over the registers that a SIPI gives the processor.
  const { regs, sregs } = vcpu.copyRegisters();
  vcpu.restoreRegisters(regs, sregs);
}
