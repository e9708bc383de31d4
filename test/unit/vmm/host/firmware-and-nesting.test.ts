/**
 * Why no driver answers, from the files that a host shows: CPUID and the MSR against /proc/cpuinfo. What is wrong must
 * come out of what was read, so the table holds files and not facts.
 */
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'tape';
import { describeHost } from '../../../../src/vmm/host/host-description.js';
import { readHostFacts, type HostFacts } from '../../../../src/vmm/host/host-facts.js';
import { explainKvmTrouble } from '../../../../src/vmm/host/kvm-trouble.js';

interface HostFiles {
  readonly vendor: 'GenuineIntel' | 'AuthenticAMD';
  /** Of /proc/cpuinfo. */
  readonly flags: string;
  /** ECX by CPUID leaf; absent: the cpuid module is not loaded. */
  readonly ecx?: Readonly<Record<number, number>>;
  /** MSR 0x3A; absent: no msr module, or no root. */
  readonly featureControl?: bigint;
}

const VMX = 1 << 5, SVM = 1 << 2, HYPERVISOR = 0x8000_0000;

/** Writes `value` at `position`, the MSR's number or the CPUID leaf, as the kernel's modules do. */
function device(path: string, rows: readonly (readonly [position: number, bytes: Buffer])[]): void {
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, 'w');
  for (const [position, bytes] of rows) writeSync(file, bytes, 0, bytes.length, position);
  closeSync(file);
}

function factsOf({ vendor, flags, ecx, featureControl }: HostFiles): HostFacts {
  const root = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-firmware-'));
  try {
    mkdirSync(join(root, 'proc'));
    writeFileSync(join(root, 'proc/cpuinfo'), `vendor_id\t: ${vendor}\nflags\t\t: ${flags}\n`);
    if (ecx !== undefined) {
      device(join(root, 'dev/cpu/0/cpuid'), Object.entries(ecx).map(([leaf, value]) => {
        const registers = Buffer.alloc(16);
        registers.writeUInt32LE(value >>> 0, 8);
        return [Number(leaf), registers] as const;
      }));
    }
    if (featureControl !== undefined) {
      const value = Buffer.alloc(8);
      value.writeBigUInt64LE(featureControl);
      device(join(root, 'dev/cpu/0/msr'), [[0x3a, value]]);
    }
    return readHostFacts(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

const OFF = /firmware has switched VMX off \(IA32_FEATURE_CONTROL is locked without it\)/;

const ROWS: readonly (readonly [what: string, files: HostFiles, sentence: RegExp, featureControl?: string])[] = [
  ['VMX in CPUID, not in cpuinfo', { vendor: 'GenuineIntel', flags: 'fpu lm', ecx: { 1: VMX } }, /has VMX and the firmware has switched it off \(dmesg: "VMX \(outside TXT\) disabled by BIOS"\)/, 'unknown'],
  ['SVM in CPUID, not in cpuinfo', { vendor: 'AuthenticAMD', flags: 'fpu lm', ecx: { 1: 0, 0x8000_0001: SVM } }, /has SVM and the firmware has switched it off \(dmesg: "SVM disabled \(by BIOS\) in MSR_VM_CR"\)/],
  ['a guest without VMX, by CPUID', { vendor: 'GenuineIntel', flags: 'fpu lm', ecx: { 1: HYPERVISOR } }, /virtual machine to which its host gives no virtualization: enable nested/, 'unknown'],
  ['a guest without SVM, by CPUID', { vendor: 'AuthenticAMD', flags: 'fpu lm', ecx: { 1: HYPERVISOR, 0x8000_0001: 0 } }, /enable nested virtualization there, or use a software KVM/],
  ['a guest, by cpuinfo alone', { vendor: 'AuthenticAMD', flags: 'fpu lm hypervisor' }, /enable nested virtualization/],
  ['neither, and CPUID says so too', { vendor: 'GenuineIntel', flags: 'fpu lm', ecx: { 1: 0 } }, /^There is no \/dev\/kvm\. Either the firmware .* or the processor has none/, 'unknown'],
  ['neither, and nothing can be read', { vendor: 'GenuineIntel', flags: 'fpu lm' }, /Either the firmware .* or the processor has none/, 'unknown'],
  ['locked with VMX off', { vendor: 'GenuineIntel', flags: 'fpu lm', ecx: { 1: VMX }, featureControl: 1n }, OFF, 'off'],
  ['locked, only inside SMX', { vendor: 'GenuineIntel', flags: 'fpu lm vmx', ecx: { 1: VMX }, featureControl: 3n }, OFF, 'off'],
  ['0 is fine', { vendor: 'GenuineIntel', flags: 'fpu vmx', ecx: { 1: VMX }, featureControl: 0n }, /offers VMX, but the module is not loaded: sudo modprobe kvm_intel/, 'unset'],
  ['5 is fine', { vendor: 'GenuineIntel', flags: 'fpu vmx', ecx: { 1: VMX }, featureControl: 5n }, /modprobe kvm_intel/, 'on'],
  ['7 is as fine', { vendor: 'GenuineIntel', flags: 'fpu vmx', ecx: { 1: VMX }, featureControl: 7n }, /modprobe kvm_intel/, 'on'],
  ['an MSR that cannot be read', { vendor: 'GenuineIntel', flags: 'fpu vmx' }, /modprobe kvm_intel/, 'unknown'],
  ['SVM without its module', { vendor: 'AuthenticAMD', flags: 'fpu svm', ecx: { 1: 0, 0x8000_0001: SVM } }, /offers SVM, but the module is not loaded: sudo modprobe kvm_amd/],
];

for (const [what, files, sentence, featureControl] of ROWS) {
  test(`no driver: ${what}`, (t) => {
    const facts = factsOf(files);
    const said = explainKvmTrouble('open', 'ENOENT', facts);
    t.match(said, sentence);
    t.doesNotMatch(said, /\n/, 'one line');
    t.equal(describeHost(facts).featureControl, featureControl, 'what the table of the host says of MSR 0x3A');
    t.end();
  });
}
