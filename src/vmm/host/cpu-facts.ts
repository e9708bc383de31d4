/**
 * What the processor itself says about virtualization, without KVM: /proc/cpuinfo, and where the kernel's cpuid and msr
 * modules let us, CPUID (SDM vol. 2A; APM vol. 3, appendix E) and IA32_FEATURE_CONTROL (SDM vol. 3, 24.7).
 * A fact that cannot be read is `undefined` and leads to no statement.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';

export interface CpuFacts {
  /** Flags of the first processor in /proc/cpuinfo. */
  readonly cpuFlags: ReadonlySet<string>;
  readonly vendor?: 'intel' | 'amd';
  readonly model?: string;
  /** CPUID.1:ECX[5] (VMX) or CPUID.8000_0001H:ECX[2] (SVM), whatever the kernel shows. */
  readonly cpuidVirtualization?: boolean;
  /** CPUID.1:ECX[31]: the processor is a hypervisor's guest, or a software KVM's host. */
  readonly hypervisor: boolean;
  /** IA32_FEATURE_CONTROL; Intel, root and the msr module only. */
  readonly featureControl?: bigint;
  /** What VMX or SVM is made of here, in /proc/cpuinfo's names. */
  readonly virtualizationFeatures: readonly string[];
}

/** CPUID.8000_000AH:EDX (APM vol. 3, E.4.9), in the names of /proc/cpuinfo. */
const SVM_FEATURES: readonly (readonly [bit: number, name: string])[] = [
  [0, 'npt'], [1, 'lbrv'], [2, 'svm_lock'], [3, 'nrip_save'], [4, 'tsc_scale'], [5, 'vmcb_clean'], [6, 'flushbyasid'],
  [7, 'decodeassists'], [10, 'pausefilter'], [12, 'pfthreshold'], [13, 'avic'], [15, 'v_vmsave_vmload'], [16, 'vgif'],
];

export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** `length` bytes of /dev/cpu/0/msr or /dev/cpu/0/cpuid at `position`, which is an MSR's number or a CPUID leaf. */
function readCpuDevice(path: string, position: number, length: number): Buffer | undefined {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(length);
      return readSync(file, bytes, 0, length, position) === length ? bytes : undefined;
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}

/** Reads the facts below `root`, which only tests set. Never throws. */
export function readCpuFacts(root = '/'): CpuFacts {
  const cpuinfo = readText(join(root, 'proc/cpuinfo'));
  const line = (name: string): string | undefined => new RegExp(`^${name}\\s*:\\s*(.*)$`, 'm').exec(cpuinfo)?.[1]?.trim();
  const words = (text: string | undefined): string[] => (text ?? '').split(/\s+/).filter((word) => word !== '');
  const vendorId = line('vendor_id');
  const vendor = vendorId === 'GenuineIntel' ? 'intel' : vendorId === 'AuthenticAMD' || vendorId === 'HygonGenuine' ? 'amd' : undefined;
  const cpuFlags = new Set(words(line('flags')));
  const model = line('model name');
  const leaf = (number: number): Buffer | undefined => readCpuDevice(join(root, 'dev/cpu/0/cpuid'), number, 16);
  const ecx = (number: number, bit: number): boolean | undefined => {
    const registers = leaf(number);
    return registers === undefined ? undefined : ((registers.readUInt32LE(8) >>> bit) & 1) === 1;
  };
  // VMX is ECX[5] of leaf 1, SVM is ECX[2] of leaf 8000_0001.
  const cpuidVirtualization = vendor === 'intel' ? ecx(1, 5) : vendor === 'amd' ? ecx(0x8000_0001, 2) : undefined;
  const featureControl = vendor === 'intel' ? readCpuDevice(join(root, 'dev/cpu/0/msr'), 0x3a, 8)?.readBigUInt64LE() : undefined;
  const svm = vendor === 'amd' && cpuidVirtualization === true ? leaf(0x8000_000a)?.readUInt32LE(12) : undefined;
  const virtualizationFeatures = vendor === 'intel' ? words(line('vmx flags'))
    : SVM_FEATURES.filter(([bit, name]) => (svm === undefined ? cpuFlags.has(name) : ((svm >>> bit) & 1) === 1)).map(([, name]) => name);
  return {
    cpuFlags, virtualizationFeatures,
    hypervisor: ecx(1, 31) ?? cpuFlags.has('hypervisor'),
    ...(vendor !== undefined && { vendor }),
    ...(model !== undefined && { model }),
    ...(cpuidVirtualization !== undefined && { cpuidVirtualization }),
    ...(featureControl !== undefined && { featureControl }),
  };
}
