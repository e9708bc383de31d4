/** Whether this host's KVM lets user space set a guest's TSC, without which `--clock pause` cannot hold it. */
import type { NativeVcpu } from '../native.js';
import { MSR } from '../../x86/msrs.js';
import { withThrowawayVcpu } from './throwaway-vcpu.js';

/** More than passes between two calls: minutes. */
const CYCLES = 1n << 40n;

/** Asks a throwaway vCPU. Throws the binding's error where KVM cannot be used. */
export function tscCanBeSet(): boolean {
  return withThrowawayVcpu(({ native }) => canSetTsc(native));
}

/** Tries, and puts it back. False on kernels before 5.16, which know no KVM_VCPU_TSC_OFFSET, and where KVM takes it without effect. */
export function canSetTsc(vcpu: NativeVcpu): boolean {
  if (!vcpu.hasTscOffset()) return false;
  const offset = vcpu.getTscOffset();
  const [before] = vcpu.getMsrs(Uint32Array.of(MSR.tsc));
  vcpu.setTscOffset(BigInt.asUintN(64, offset - CYCLES));
  const [after] = vcpu.getMsrs(Uint32Array.of(MSR.tsc));
  vcpu.setTscOffset(offset);
  return BigInt.asIntN(64, after - before) < 0n;
}
