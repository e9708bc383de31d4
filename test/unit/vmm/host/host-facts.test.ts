import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tmpdir } from 'node:os';
import test from 'tape';
import { describeHost, hostText } from '../../../../src/vmm/host/host-description.js';
import { readHostFacts, type HostFacts } from '../../../../src/vmm/host/host-facts.js';

/** Facts read from a folder that holds `files`; a value that is a list is [position, bytes] for a device of the CPU. */
function factsOf(files: Readonly<Record<string, string | readonly (readonly [number, Buffer])[]>>): HostFacts {
  const root = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-facts-'));
  try {
    for (const [path, content] of Object.entries(files)) {
      const file = join(root, path);
      mkdirSync(dirname(file), { recursive: true });
      if (typeof content === 'string') {
        writeFileSync(file, content);
        continue;
      }
      const fd = openSync(file, 'w');
      for (const [position, bytes] of content) writeSync(fd, bytes, 0, bytes.length, position);
      closeSync(fd);
    }
    return readHostFacts(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** EAX, EBX, ECX, EDX. */
function registers(ecx: number, edx = 0): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32LE(ecx >>> 0, 8);
  bytes.writeUInt32LE(edx >>> 0, 12);
  return bytes;
}

function msr(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

test('host facts: nothing can be read', (t) => {
  const facts = factsOf({});
  t.deepEqual([facts.node, facts.vendor, facts.cpuidVirtualization, facts.featureControl, facts.kernel], Array(5).fill(undefined));
  t.deepEqual([facts.inContainer, facts.hypervisor, facts.cpuFlags.size, facts.modules.size, facts.parameters.size], [false, false, 0, 0, 0]);
  const host = describeHost(facts);
  t.deepEqual([host.kernel, host.vendor, host.nestedGuests, host.virtualization], ['unknown', 'unknown', 'unknown', 'none']);
  t.match(hostText(host, false), /virtualization +the kernel shows neither VMX nor SVM\n/);
  t.match(hostText(host, true), /virtualization +software: KVM works without VMX or SVM\n/);
  t.end();
});

test('host facts: VMX with its features and parameters', (t) => {
  const facts = factsOf({
    'proc/cpuinfo': 'vendor_id\t: GenuineIntel\nmodel name\t: Some Xeon\nflags\t\t: fpu vmx\nvmx flags\t: vnmi ept unrestricted_guest\n\nvendor_id\t: GenuineIntel\n',
    'proc/modules': 'kvm_intel 1 0 - Live 0x0\nkvm 2 1 kvm_intel, Live 0x0\nvboxdrv 1 0 - Live 0x0\n',
    'proc/sys/kernel/osrelease': '6.1.0-13-amd64\n',
    'sys/module/kvm_intel/parameters/ept': 'Y\n', 'sys/module/kvm_intel/parameters/nested': 'N\n', 'sys/module/kvm/parameters/halt_poll_ns': '200000\n',
    'dev/cpu/0/cpuid': [[1, registers(1 << 5)]], 'dev/cpu/0/msr': [[0x3a, msr(5n)]],
  });
  t.equal(facts.cpuidVirtualization, true);
  t.equal(facts.hypervisor, false);
  t.ok(facts.modules.has('vboxdrv'));
  const host = describeHost(facts);
  t.deepEqual(host, {
    kernel: '6.1.0-13-amd64', processor: 'Some Xeon', vendor: 'intel', virtualization: 'VMX', virtualizationFeatures: ['vnmi', 'ept', 'unrestricted_guest'],
    featureControl: 'on', isGuest: false, nestedGuests: 'no', inContainer: false, modules: ['kvm', 'kvm_intel'],
    parameters: { 'kvm.halt_poll_ns': '200000', 'kvm_intel.ept': 'Y', 'kvm_intel.nested': 'N' },
  });
  t.match(hostText(host, true), /parameters +kvm_intel\.ept=Y kvm_intel\.nested=N\n/, 'only what a debugger notices');
  t.end();
});

test('host facts: feature control 0 is fine, 1 is off, unreadable is unknown', (t) => {
  const states = [0n, 1n, 4n, 5n].map((value) => describeHost(factsOf({
    'proc/cpuinfo': 'vendor_id\t: GenuineIntel\n', 'dev/cpu/0/msr': [[0x3a, msr(value)]],
  })).featureControl);
  t.deepEqual(states, ['unset', 'off', 'unset', 'on']);
  t.equal(describeHost(factsOf({ 'proc/cpuinfo': 'vendor_id\t: GenuineIntel\n' })).featureControl, 'unknown');
  t.equal(describeHost(factsOf({ 'proc/cpuinfo': 'vendor_id\t: AuthenticAMD\n' })).featureControl, undefined, 'AMD has none');
  t.end();
});

test('host facts: SVM by CPUID, hidden from the kernel', (t) => {
  const facts = factsOf({
    'proc/cpuinfo': 'vendor_id\t: AuthenticAMD\nflags\t\t: fpu lm\n',
    'dev/cpu/0/cpuid': [[1, registers(0x8000_0000)], [0x8000_0001, registers(1 << 2)], [0x8000_000a, registers(0, 0x89)]],
  });
  t.equal(facts.cpuidVirtualization, true, 'ECX[2] of leaf 8000_0001');
  t.equal(facts.hypervisor, true, 'ECX[31] of leaf 1');
  t.deepEqual(facts.virtualizationFeatures, ['npt', 'nrip_save', 'decodeassists']);
  t.end();
});

test('host facts: containers are told by what they leave', (t) => {
  for (const files of [{ '.dockerenv': '' }, { 'run/.containerenv': '' }, { 'proc/1/cgroup': '0::/kubepods/x\n' }, { 'proc/1/environ': 'A=1\0container=lxc\0' }] as Record<string, string>[]) {
    t.equal(factsOf(files).inContainer, true, Object.keys(files).join());
  }
  t.equal(factsOf({ 'proc/1/environ': 'mycontainer=no\0', 'proc/1/cgroup': '0::/init.scope\n' }).inContainer, false);
  t.end();
});

test('host facts: the limit of the address space', (t) => {
  const limitOf = (value: string): number | undefined => factsOf({
    'proc/self/limits': `Limit                     Soft Limit           Hard Limit           Units     \nMax address space         ${value.padEnd(20)} unlimited            bytes     \n`,
  }).addressSpaceLimit;
  t.equal(limitOf('1073741824'), 1 << 30);
  t.equal(limitOf('unlimited'), undefined);
  t.end();
});

test('host facts: the node', (t) => {
  t.equal(factsOf({ 'dev/kvm': 'x' }).node?.device, undefined, 'a regular file is no device');
  t.end();
});
