import test from 'tape';
import type { HostFacts } from '../../../../src/vmm/host/host-facts.js';
import { explainKvmTrouble, type HostCheckStep } from '../../../../src/vmm/host/kvm-trouble.js';

const HOST: HostFacts = {
  uid: 1000, inContainer: false, cpuFlags: new Set(), modules: new Set(), hypervisor: false, virtualizationFeatures: [], parameters: new Map(),
};
const NODE = { mode: 0o660, uid: 0, gid: 108, group: 'kvm', device: '10:232' };

/** What happened, what is known, and what must be said. */
const TABLE: readonly (readonly [HostCheckStep, string, Partial<HostFacts>, RegExp])[] = [
  ['open', 'ENOENT', { inContainer: true }, /container: start it with --device \/dev\/kvm/],
  ['open', 'ENOENT', { vendor: 'intel', cpuFlags: new Set(['vmx']) }, /modprobe kvm_intel/],
  ['open', 'ENOENT', { vendor: 'amd', cpuFlags: new Set(['svm']) }, /modprobe kvm_amd/],
  ['open', 'ENOENT', { vendor: 'intel', featureControl: 1n }, /firmware has switched VMX off/],
  ['open', 'ENOENT', { vendor: 'intel', featureControl: 0n, cpuFlags: new Set(['vmx']) }, /modprobe kvm_intel/],
  ['open', 'ENOENT', { vendor: 'intel', featureControl: 5n, cpuFlags: new Set(['vmx']) }, /modprobe kvm_intel/],
  ['open', 'ENOENT', { vendor: 'amd', cpuidVirtualization: true }, /has SVM and the firmware has switched it off/],
  ['open', 'ENOENT', { vendor: 'intel', cpuidVirtualization: true }, /dmesg: "VMX \(outside TXT\) disabled by BIOS"/],
  ['open', 'ENOENT', { vendor: 'intel', cpuFlags: new Set(['vmx']), modules: new Set(['vmmon']) }, /modprobe kvm_intel; "Device or resource busy" means that VMware holds VMX\./],
  ['open', 'ENOENT', { vendor: 'intel', hypervisor: true }, /enable nested virtualization/],
  ['open', 'ENOENT', {}, /Either the firmware .* or the processor has none/],
  ['open', 'ENODEV', { node: NODE }, /no driver stands behind it/],
  ['open', 'EACCES', { node: NODE }, /group kvm \(mode 0660\) .* usermod -aG kvm/],
  ['open', 'EACCES', { node: { ...NODE, mode: 0o600 } }, /mode of \/dev\/kvm is 0600/],
  ['open', 'ENXIO', { node: { ...NODE, device: '10:7' } }, /it is the device 10:7, not 10:232/],
  ['open', 'ENXIO', { node: { mode: 0o660, uid: 0, gid: 0 } }, /it is no character device/],
  ['open', 'EMFILE', { node: NODE }, /raise the limit \(ulimit -n 4096\)/],
  ['open', 'ENFILE', { node: NODE }, /fs\.file-max/],
  ['open', 'EACCES', { node: { ...NODE, mode: 0o666 } }, /security module/],
  ['open', 'EACCES', { node: NODE, uid: 0 }, /security module/],
  ['open', 'EPERM', { node: NODE }, /device cgroup or a seccomp filter/],
  ['create-vm', 'EBUSY', {}, /^Another hypervisor holds/],
  ['create-vm', 'EBUSY', { modules: new Set(['vboxdrv']) }, /^VirtualBox holds/],
  ['create-vm', 'ENOMEM', {}, /no memory left/],
  ['create-vm', 'ENOMEM', { addressSpaceLimit: 512 << 20 }, /may use 512 MiB of address space: .*ulimit -v unlimited/],
  ['create-vm', 'ENOMEM', { addressSpaceLimit: 4096 }, /may use 4096 bytes/],
  ['create-vm', 'EMFILE', {}, /raise the limit/],
  ['create-vm', 'EPERM', {}, /seccomp filter or a security module forbids its calls \(EPERM\)/],
  ['create-vm', 'ENODEV', { vendor: 'amd', cpuidVirtualization: true }, /virtualization is off\. .*SVM disabled \(by BIOS\)/],
  ['api-version', 'ENOTTY', { node: { ...NODE, device: '1:3' } }, /it is the device 1:3, not 10:232/],
  ['create-vcpu', 'EIO', {}, /another process/],
  ['api-version', 'EPROTO', {}, /API version is not 12/],
  ['run', 'EPROTO', {}, /does not run their instructions/],
];

test('kvm trouble: each observation has its explanation', (t) => {
  for (const [step, code, facts, sentence] of TABLE) {
    t.match(explainKvmTrouble(step, code, { ...HOST, ...facts }), sentence, `${step} ${code}`);
  }
  t.end();
});

test('kvm trouble: every explanation is one line that repeats no folklore', (t) => {
  for (const [step, code, facts] of TABLE) {
    const text = explainKvmTrouble(step, code, { ...HOST, ...facts });
    t.doesNotMatch(text, /\n|RLIMIT_MEMLOCK|memlock|EDX\[23\]|must (be|read) 5/, `${step} ${code}`);
  }
  t.end();
});

test('kvm trouble: no flag is never the reason for a call that failed otherwise', (t) => {
  for (const code of ['EACCES', 'EPERM', 'EBUSY', 'ENOMEM']) {
    t.doesNotMatch(explainKvmTrouble('open', code, { ...HOST, node: NODE }), /firmware/, code);
  }
  t.end();
});
