/**
 * What the local APIC in the kernel makes of a vCPU: running, halted, or waiting to be started (KVM api.rst,
 * KVM_GET_MP_STATE). Without an interrupt controller in the kernel there is no such state and these are not asked.
 */
import { TargetError } from '../target.js';
import { native } from '../vmm/native.js';
import type { Vcpu } from '../vmm/vcpu.js';

/** An application processor before INIT and SIPI: KVM_RUN would only wait for them. */
export function waitsForSipi(vcpu: Vcpu): boolean {
  const { constants } = native();
  const state = vcpu.mpState;
  return state === constants['KVM_MP_STATE_UNINITIALIZED'] || state === constants['KVM_MP_STATE_INIT_RECEIVED'];
}

/** Not halted, and started. */
export function isRunnable(vcpu: Vcpu): boolean {
  return vcpu.mpState === native().constants['KVM_MP_STATE_RUNNABLE'];
}

export function isHaltedInKernel(vcpu: Vcpu): boolean {
  return vcpu.mpState === native().constants['KVM_MP_STATE_HALTED'];
}

/** Ends a halt. */
export function wake(vcpu: Vcpu): void {
  vcpu.mpState = native().constants['KVM_MP_STATE_RUNNABLE'];
}

/**
 * Lets a halted vCPU execute its next instruction, as a step must. Throws TargetError for one that has none, because
 * no other CPU has started it yet.
 */
export function prepareStep(vcpu: Vcpu): void {
  if (waitsForSipi(vcpu)) {
    throw new TargetError(`cpu${vcpu.id} waits for another CPU to start it (SIPI) and has no instruction to run; continue instead`);
  }
  if (isHaltedInKernel(vcpu)) wake(vcpu);
}
