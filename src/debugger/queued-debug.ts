/** A #DB of the guest's own that was taken from it, where it does not run on now: it would not come again. */
import { native } from '../vmm/native.js';
import type { Vcpu } from '../vmm/vcpu.js';

const VECTOR_DB = 1;

/** Leaves it with KVM (KVM api.rst, KVM_SET_VCPU_EVENTS), which delivers it when the vCPU runs next. DR6 has been set. */
export function queueDebug(vcpu: Vcpu): void {
  const { fields } = native().layout['kvm_vcpu_events'];
  const events = vcpu.native.getVcpuEvents();
  events[fields['exception.injected'].offset] = 1;
  events[fields['exception.nr'].offset] = VECTOR_DB;
  events[fields['exception.has_error_code'].offset] = 0;
  vcpu.native.setVcpuEvents(events);
}
