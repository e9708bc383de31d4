/** Makes a VM with the capabilities a debugger counts on (Documentation/virt/kvm/api.rst, sections 6 to 8). */
import { native, type NativeSystem, type NativeVm } from './native.js';

/**
 * Three pages for VMX's real mode and one for its identity map: where no guest has RAM, below the 16 MiB that firmware may have under
 * 4 GiB, and where SeaBIOS reports reserved memory on KVM.
 */
const TSS_ADDRESS = 0xfeff_d000;
const IDENTITY_MAP_ADDRESS = 0xfeff_c000n;

/** A new VM without interrupt controllers. */
export function openVm(system: NativeSystem): NativeVm {
  const vm = system.createVm();
  try {
    // An instruction the emulator refuses exits with nothing pending instead of a #UD in the guest (KVM api.rst, KVM_CAP_EXIT_ON_EMULATION_FAILURE).
    enableIfThere(vm, 'KVM_CAP_EXIT_ON_EMULATION_FAILURE', 1);
    // Pending and injected exceptions are told apart in KVM_GET_VCPU_EVENTS.
    enableIfThere(vm, 'KVM_CAP_EXCEPTION_PAYLOAD', 1);
    leaveHypercallsAlone(vm);
    vm.setIdentityMapAddr(IDENTITY_MAP_ADDRESS);
    vm.setTssAddr(TSS_ADDRESS);
    return vm;
  } catch (error) {
    vm.close();
    throw error;
  }
}

/** A number from the kernel's headers. Throws when the binding was built without it. */
export function kvmConstant(name: string): number {
  const value = native().constants[name];
  if (value === undefined) throw new Error(`The binding does not know ${name}; build it again with: npm run build`);
  return value;
}

function enableIfThere(vm: NativeVm, capability: string, argument: number): void {
  const number = kvmConstant(capability);
  if (vm.checkExtension(number) > 0) vm.enableCap(number, argument);
}

/** KVM rewrites VMCALL and VMMCALL in guest memory to the host's own; a debugger must not see code change. */
function leaveHypercallsAlone(vm: NativeVm): void {
  const capability = kvmConstant('KVM_CAP_DISABLE_QUIRKS2');
  const quirk = kvmConstant('KVM_X86_QUIRK_FIX_HYPERCALL_INSN');
  if ((vm.checkExtension(capability) & quirk) !== 0) vm.enableCap(capability, quirk);
}
