/**
 * Why /dev/kvm cannot be used, and what to do, from the call that failed and what is known about the host.
 * Only what failed is explained: flags in /proc/cpuinfo say nothing about a KVM that works (a software KVM has none).
 */
import type { HostFacts } from './host-facts.js';

/** The calls of the check, in order. */
export type HostCheckStep = 'open' | 'api-version' | 'create-vm' | 'create-vcpu' | 'run';

/** Other hypervisors that hold VMX or SVM for themselves. */
const RIVALS: ReadonlyMap<string, string> = new Map([['vboxdrv', 'VirtualBox'], ['vmmon', 'VMware']]);

/** One or two sentences: what is wrong and what to do. `code` is errno's name. */
export function explainKvmTrouble(step: HostCheckStep, code: string, facts: HostFacts): string {
  if (step === 'open') return explainOpen(code, facts);
  if (code === 'EBUSY') return explainRival(facts);
  if (code === 'ENOMEM') {
    return 'The host has no memory left for a virtual machine: look at the cgroup\'s memory limit and at the kernel log.';
  }
  if (code === 'EIO') return 'The virtual machine belongs to another process (a fork) or is dead: start the program again.';
  if (step === 'api-version') return 'This KVM is not the one of Linux 2.6.22 or newer (its API version is not 12): use a current kernel.';
  if (step === 'run') return 'KVM makes virtual machines here but does not run their instructions: look at the kernel log (dmesg | grep kvm).';
  return `KVM refused with ${code}: look at the kernel log (dmesg | grep kvm).`;
}

function explainOpen(code: string, facts: HostFacts): string {
  switch (code) {
    case 'ENOENT':
      return facts.inContainer
        ? 'There is no /dev/kvm in this container: start it with --device /dev/kvm.'
        : `There is no /dev/kvm. ${explainMissingDriver(facts)}`;
    case 'ENODEV':
    case 'ENXIO':
      return `The node /dev/kvm is there but no driver stands behind it. ${explainMissingDriver(facts)}`;
    case 'EACCES':
      return explainAccess(facts);
    case 'EPERM':
      return 'Opening /dev/kvm is forbidden by a device cgroup or a seccomp filter, whatever its mode bits say: ' +
        'allow the device in the container (--device /dev/kvm) or the service (DeviceAllow=/dev/kvm rw).';
    default:
      return `Opening /dev/kvm failed with ${code}.`;
  }
}

function explainAccess({ node, uid }: HostFacts): string {
  if (node === undefined || uid === 0) return 'A security module (SELinux, AppArmor) forbids opening /dev/kvm: look at its log.';
  const mode = node.mode.toString(8).padStart(4, '0');
  if (node.group !== undefined && (node.mode & 0o060) === 0o060) {
    return `/dev/kvm is for the group ${node.group} (mode ${mode}) and you are not in it: ` +
      `sudo usermod -aG ${node.group} $USER, then log in again.`;
  }
  return `The mode of /dev/kvm is ${mode} and does not let you read and write it: sudo chmod 0660 /dev/kvm.`;
}

function explainRival({ modules }: HostFacts): string {
  const rivals = [...RIVALS].filter(([module]) => modules.has(module)).map(([, name]) => name);
  const who = rivals.length > 0 ? rivals.join(' and ') : 'Another hypervisor';
  return `${who} holds the processor's virtualization (VMX or SVM): end its machines or unload its module.`;
}

function explainMissingDriver(facts: HostFacts): string {
  const { cpuFlags, cpuidVirtualization, featureControl, vendor } = facts;
  const flag = vendor === 'amd' ? 'svm' : 'vmx';
  const extension = vendor === 'amd' ? 'SVM' : 'VMX';
  // Bit 0 is the lock, bit 2 enables VMX outside SMX; 0 is fine, the kernel sets and locks it.
  if (featureControl !== undefined && (featureControl & 5n) === 1n) return 'The firmware has switched VMX off: enable it in the firmware setup.';
  if (cpuFlags.has(flag)) {
    return `The processor offers ${extension}, but the module is not loaded: sudo modprobe kvm_${vendor === 'amd' ? 'amd' : 'intel'}.`;
  }
  if (cpuidVirtualization === true) return `The processor has ${extension} and the firmware has switched it off: enable it in the firmware setup.`;
  if (cpuFlags.has('hypervisor')) {
    return 'This is a virtual machine to which its host gives no virtualization: enable nested virtualization there, or use a software KVM.';
  }
  return 'Either the firmware has switched virtualization off or the processor has none: look into the firmware setup.';
}
