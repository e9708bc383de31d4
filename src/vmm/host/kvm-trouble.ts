/**
 * Why /dev/kvm cannot be used, and what to do, from the call that failed and what is known about the host.
 * Only what failed is explained: flags in /proc/cpuinfo say nothing about a KVM that works (a software KVM has none).
 */
import { MEBIBYTE } from '../memory-size.js';
import type { HostFacts } from './host-facts.js';

/** The calls of the check, in order. */
export type HostCheckStep = 'open' | 'api-version' | 'create-vm' | 'create-vcpu' | 'run';

/** Major and minor number of KVM's node: the misc major and KVM_MINOR of linux/miscdevice.h. */
const KVM_DEVICE = '10:232';
/** Other hypervisors that hold VMX or SVM for themselves. */
const RIVALS: ReadonlyMap<string, string> = new Map([['vboxdrv', 'VirtualBox'], ['vmmon', 'VMware']]);
const STEPS: ReadonlyMap<string, HostCheckStep> = new Map([
  ['open', 'open'], ['KVM_GET_API_VERSION', 'api-version'], ['KVM_CREATE_VM', 'create-vm'],
  ['KVM_GET_VCPU_MMAP_SIZE', 'create-vcpu'], ['KVM_CREATE_VCPU', 'create-vcpu'],
]);

/** The step that a binding's `operation` belongs to; undefined for one that tells nothing about the host's KVM as such. */
export function stepOfOperation(operation: string): HostCheckStep | undefined {
  return STEPS.get(operation);
}

/** One or two sentences on one line: what is wrong and what to do. `code` is errno's name. */
export function explainKvmTrouble(step: HostCheckStep, code: string, facts: HostFacts): string {
  switch (code) {
    case 'EMFILE':
      return 'This process has as many files open as it may: raise the limit (ulimit -n 4096).';
    case 'ENFILE':
      return 'The host has as many files open as it may: raise the limit (sudo sysctl fs.file-max).';
    case 'ENOMEM':
      return explainMemory(facts);
    case 'EIO':
      return 'The virtual machine belongs to another process (a fork) or is dead: start the program again.';
    case 'EBUSY':
      return explainRival(facts);
    default:
      break;
  }
  if (step === 'open') return explainOpen(code, facts);
  if (step === 'api-version') return explainVersion(code, facts);
  if (code === 'EPERM' || code === 'EACCES') {
    return `/dev/kvm opens, but a seccomp filter or a security module forbids its calls (${code}): allow ioctl on /dev/kvm in the sandbox's profile.`;
  }
  if (step === 'run') return 'KVM makes virtual machines here but does not run their instructions: look at the kernel log (dmesg | grep kvm).';
  if (step === 'create-vm' && (code === 'ENODEV' || code === 'EOPNOTSUPP')) return `KVM is loaded but virtualization is off. ${explainMissingDriver(facts)}`;
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
      return isForeignNode(facts) ? explainForeignNode(facts) : `The node /dev/kvm is there but no driver stands behind it. ${explainMissingDriver(facts)}`;
    case 'EISDIR':
      return explainForeignNode(facts);
    case 'EACCES':
      return explainAccess(facts);
    case 'EPERM':
      return 'Opening /dev/kvm is forbidden by a device cgroup or a seccomp filter, whatever its mode bits say: ' +
        'allow the device in the container (--device /dev/kvm) or the service (DeviceAllow=/dev/kvm rw).';
    default:
      return `Opening /dev/kvm failed with ${code}.`;
  }
}

function explainVersion(code: string, facts: HostFacts): string {
  if (isForeignNode(facts) || code === 'ENOTTY') return explainForeignNode(facts);
  if (code === 'EPERM' || code === 'EACCES') {
    return `/dev/kvm opens, but a seccomp filter or a security module forbids its calls (${code}): allow ioctl on /dev/kvm in the sandbox's profile.`;
  }
  return 'This KVM is not the one of Linux 2.6.22 or newer (its API version is not 12): use a current kernel.';
}

function isForeignNode({ node }: HostFacts): boolean {
  return node !== undefined && node.device !== KVM_DEVICE;
}

/** Something else stands where KVM's node should. */
function explainForeignNode({ node }: HostFacts): string {
  const what = node?.device === undefined ? 'no character device' : `the device ${node.device}`;
  return `/dev/kvm is not KVM's device: it is ${what}, not ${KVM_DEVICE}. ` +
    'Make it again: sudo rm -r /dev/kvm; sudo mknod -m 660 /dev/kvm c 10 232; sudo chgrp kvm /dev/kvm.';
}

function explainAccess({ node, uid }: HostFacts): string {
  const lsm = 'A security module (SELinux, AppArmor, Landlock) forbids opening /dev/kvm: look at its log (dmesg | grep -i denied), or at the sandbox that began this.';
  if (node === undefined || uid === 0) return lsm;
  const mode = node.mode.toString(8).padStart(4, '0');
  if ((node.mode & 0o006) === 0o006) return lsm;
  if (node.gid !== 0 && node.group !== undefined && (node.mode & 0o060) === 0o060) {
    return `/dev/kvm is for the group ${node.group} (mode ${mode}) and you are not in it: ` +
      `sudo usermod -aG ${node.group} $USER, then log in again.`;
  }
  return `The mode of /dev/kvm is ${mode} and does not let you read and write it: sudo chgrp kvm /dev/kvm; sudo chmod 0660 /dev/kvm; ` +
    'and be in the group kvm.';
}

/** KVM's pages are kernel memory: RLIMIT_MEMLOCK has no part in this. */
function explainMemory({ addressSpaceLimit }: HostFacts): string {
  const host = 'raise the cgroup\'s memory limit (memory.max), and look at dmesg for vmalloc.';
  if (addressSpaceLimit === undefined) return `The host has no memory left for a virtual machine: ${host}`;
  const size = addressSpaceLimit >= MEBIBYTE ? `${Math.floor(addressSpaceLimit / MEBIBYTE)} MiB` : `${addressSpaceLimit} bytes`;
  return `No memory for a virtual machine, and this process may use ${size} of address space: raise that limit (ulimit -v unlimited); if there is none left on the host, ${host}`;
}

function explainRival(facts: HostFacts): string {
  const who = rivals(facts);
  return `${who[0]?.toUpperCase()}${who.slice(1)} holds the processor's virtualization (VMX or SVM): end its machines or unload its module.`;
}

/** Who may hold VMX or SVM: by name where a module shows it. */
function rivals({ modules }: HostFacts): string {
  const names = [...RIVALS].filter(([module]) => modules.has(module)).map(([, name]) => name);
  return names.length > 0 ? names.join(' and ') : 'another hypervisor';
}

/** Why no driver answers, as far as the processor tells; flags are asked only now that opening has failed. */
function explainMissingDriver(facts: HostFacts): string {
  const { cpuFlags, cpuidVirtualization, featureControl, vendor } = facts;
  const flag = vendor === 'amd' ? 'svm' : 'vmx';
  const extension = vendor === 'amd' ? 'SVM' : 'VMX';
  // Bit 0 is the lock, bit 2 enables VMX outside SMX; 0 is fine, the kernel sets and locks it.
  if (featureControl !== undefined && (featureControl & 5n) === 1n) {
    return 'The firmware has switched VMX off (IA32_FEATURE_CONTROL is locked without it): enable it in the firmware setup.';
  }
  if (cpuFlags.has(flag)) {
    const name = vendor === 'amd' ? 'kvm_amd' : 'kvm_intel';
    return `The processor offers ${extension}, but the module is not loaded: sudo modprobe ${name}; "Device or resource busy" means that ${rivals(facts)} holds ${extension}.`;
  }
  if (cpuidVirtualization === true) {
    const message = vendor === 'amd' ? 'SVM disabled (by BIOS) in MSR_VM_CR' : 'VMX (outside TXT) disabled by BIOS';
    return `The processor has ${extension} and the firmware has switched it off (dmesg: "${message}"): enable it in the firmware setup.`;
  }
  if (facts.hypervisor) {
    return 'This is a virtual machine to which its host gives no virtualization: enable nested virtualization there, or use a software KVM.';
  }
  return 'Either the firmware has switched virtualization off or the processor has none: look into the firmware setup.';
}
