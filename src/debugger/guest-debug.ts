/**
 * What KVM_SET_GUEST_DEBUG is told for a run: `struct kvm_guest_debug` as plain values
 * (KVM api.rst, "KVM_SET_GUEST_DEBUG").
 */
import { native } from '../vmm/native.js';
import type { GuestDebug } from '../vmm/run-plan.js';
import { encodeDr7, type DebugRegisterSlot } from '../x86/debug-registers.js';

export interface GuestDebugRequest {
  readonly step?: boolean;
  /** #BP leaves the guest. */
  readonly interceptInt3?: boolean;
  readonly debugRegisters?: readonly DebugRegisterSlot[];
  /** Hold interrupts back (where the host has KVM_GUESTDBG_BLOCKIRQ). */
  readonly blockInterrupts?: boolean;
  /** Give the guest the #BP or #DB that was taken from it. */
  readonly inject?: 'int3' | 'debug';
}

const NO_REGISTERS: readonly bigint[] = [0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n];
const OFF: GuestDebug = { control: 0, debugreg: NO_REGISTERS };

/** The `control` word and the eight `debugreg` values for a request. */
export function guestDebug(request: GuestDebugRequest): GuestDebug {
  const { constants } = native();
  let control = 0;
  if (request.step === true) control |= constants['KVM_GUESTDBG_SINGLESTEP'];
  if (request.interceptInt3 === true) control |= constants['KVM_GUESTDBG_USE_SW_BP'];
  if (request.blockInterrupts === true) control |= constants['KVM_GUESTDBG_BLOCKIRQ'];
  if (request.inject === 'int3') control |= constants['KVM_GUESTDBG_INJECT_BP'];
  if (request.inject === 'debug') control |= constants['KVM_GUESTDBG_INJECT_DB'];
  let debugreg = NO_REGISTERS;
  const slots = request.debugRegisters;
  if (slots !== undefined && slots.length > 0) {
    control |= constants['KVM_GUESTDBG_USE_HW_BP'];
    const registers = [...NO_REGISTERS];
    for (const { index, address } of slots) registers[index] = address;
    registers[7] = encodeDr7(slots);
    debugreg = registers;
  }
  if (control === 0) return OFF;
  return { control: control | (constants['KVM_GUESTDBG_ENABLE']), debugreg };
}
