/** Makes a machine's vCPUs and tells each what it is. */
import type { LoadedGuest } from './boot/boot-options.js';
import { setGuestCpuid } from './guest-cpuid.js';
import type { MachineOptions } from './machine-options.js';
import type { NativeSystem, NativeVm } from './native.js';
import { Vcpu } from './vcpu.js';

/** In the order of their APIC ids. Throws what `setGuestCpuid` throws, and NativeError. */
export function createVcpus(system: NativeSystem, vm: NativeVm, cpus: number, localApic: boolean, guest: LoadedGuest | undefined, options: MachineOptions): Vcpu[] {
  const supported = system.getSupportedCpuid();
  const policy = options.cpu?.model === 'base' ? 'plain' : options.cpuid ?? 'host';
  return Array.from({ length: cpus }, (_, id) => {
    const vcpu = new Vcpu(vm.createVcpu(id));
    const warning = setGuestCpuid(vcpu, {
      supported, apicId: id, cpus, localApic, policy, choice: options.cpu, guest, guestName: options.guest?.name ?? '',
    });
    if (warning !== undefined && id === 0) options.log?.(warning);
    return vcpu;
  });
}
