/**
 * An interrupt that KVM has taken from a local APIC or the 8259s, but not delivered: the vCPU was asked to leave just then.
 * KVM_GUESTDBG_BLOCKIRQ holds back only what they still have, so that the next step would end in this interrupt's handler.
 */
import { native } from '../vmm/native.js';
import type { InterruptControllers } from '../vmm/irqchip/interrupt-controllers.js';
import type { Vcpu } from '../vmm/vcpu.js';
import { APIC, apicVectors, setApicVector } from '../x86/local-apic.js';

/**
 * Gives it back: requested, and not in service, as before KVM took it (SDM vol. 3A, 11.8.4; 8259A datasheet, "Interrupt Sequence"; KVM
 * api.rst, KVM_SET_VCPU_EVENTS and KVM_SET_LAPIC). The vCPU must have a local APIC in the kernel.
 */
export function giveBackAccepted(vcpu: Vcpu, chips: Pick<InterruptControllers, 'unacknowledge'>): void {
  if (vcpu.completionPending) return;
  const { fields } = native().layout['kvm_vcpu_events'];
  const at = (name: string): number => fields[`interrupt.${name}`].offset;
  const events = vcpu.native.getVcpuEvents();
  if (events[at('injected')] === 0 || events[at('soft')] !== 0) return;
  const vector = events[at('nr')];
  const lapic = vcpu.native.getLapic();
  const isApics = apicVectors(lapic, APIC.inService).includes(vector);
  if (!isApics && !chips.unacknowledge(vector)) return;
  events[at('injected')] = 0;
  vcpu.native.setVcpuEvents(events);
  if (!isApics) return;
  setApicVector(lapic, APIC.inService, vector, false);
  setApicVector(lapic, APIC.request, vector, true);
  vcpu.native.setLapic(lapic);
}
