/**
 * An interrupt that KVM has taken from a local APIC, but not delivered: the vCPU was asked to leave just then. KVM_GUESTDBG_BLOCKIRQ
 * holds back only what is still in the APIC, so that the next step would end in this interrupt's handler.
 */
import { native } from '../vmm/native.js';
import type { Vcpu } from '../vmm/vcpu.js';
import { APIC, apicVectors, setApicVector } from '../x86/local-apic.js';

/**
 * Gives it back: requested, and not in service, as before KVM took it (SDM vol. 3A, 11.8.4; KVM api.rst, KVM_SET_VCPU_EVENTS and
 * KVM_SET_LAPIC). The vCPU must have a local APIC in the kernel. One of the 8259s stays taken.
 */
export function giveBackAccepted(vcpu: Vcpu): void {
  if (vcpu.completionPending) return;
  const { fields } = native().layout['kvm_vcpu_events'];
  const at = (name: string): number => fields[`interrupt.${name}`].offset;
  const events = vcpu.native.getVcpuEvents();
  if (events[at('injected')] === 0 || events[at('soft')] !== 0) return;
  const vector = events[at('nr')];
  const lapic = vcpu.native.getLapic();
  if (!apicVectors(lapic, APIC.inService).includes(vector)) return;
  setApicVector(lapic, APIC.inService, vector, false);
  setApicVector(lapic, APIC.request, vector, true);
  events[at('injected')] = 0;
  vcpu.native.setVcpuEvents(events);
  vcpu.native.setLapic(lapic);
}
