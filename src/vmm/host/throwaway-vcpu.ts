/** A vCPU over one page of memory, for a question to the host that a few instructions answer. */
import { native, type NativeBinding } from '../native.js';
import { Vcpu } from '../vcpu.js';

/** Guest-physical; also the size. */
export const PAGE = 0x1000;
/** KVM_SET_GUEST_DEBUG with nothing in it. */
export const NO_DEBUG = { control: 0, debugreg: [0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n] };

/**
 * Makes the vCPU, calls `use` with it and with the bytes of the page at `PAGE`, and frees everything. Throws the
 * binding's error where KVM cannot be used.
 */
export function withThrowawayVcpu<T>(use: (vcpu: Vcpu, page: Uint8Array) => T, binding: NativeBinding = native()): T {
  const undo: (() => void)[] = [];
  try {
    const system = binding.openSystem();
    undo.push(() => system.close());
    // Before the VM, for it is freed after it: a slot goes with its VM, without an ioctl that could fail.
    const memory = binding.allocateMemory(PAGE);
    undo.push(() => memory.close());
    const vm = system.createVm();
    undo.push(() => vm.close());
    // Where VMX keeps what real mode needs; no guest has RAM there.
    vm.setTssAddr(0xfffb_d000);
    vm.setMemorySlot(0, 0, BigInt(PAGE), memory, 0, PAGE);
    const vcpu = new Vcpu(vm.createVcpu(0));
    undo.push(() => vcpu.close());
    return use(vcpu, new Uint8Array(memory.buffer));
  } finally {
    for (const action of undo.reverse()) action();
  }
}
