/** The host in words and as plain data: what `doctor` shows besides whether KVM works. */
import type { HostFacts } from './host-facts.js';

export interface HostDescription {
  readonly kernel: string;
  readonly processor: string;
  readonly vendor: 'intel' | 'amd' | 'unknown';
  /** What the processor shows to this kernel; a KVM that works with `none` is a software KVM. */
  readonly virtualization: 'VMX' | 'SVM' | 'none';
  readonly virtualizationFeatures: readonly string[];
  /** IA32_FEATURE_CONTROL: `unset` is fine, the kernel sets and locks it; `unknown` without root or the msr module. */
  readonly featureControl?: 'on' | 'off' | 'unset' | 'unknown';
  /** Whether this host is itself a hypervisor's guest (CPUID.1:ECX[31]). */
  readonly isGuest: boolean;
  /** Whether guests are offered VMX or SVM of their own (the module's parameter `nested`). */
  readonly nestedGuests: 'yes' | 'no' | 'unknown';
  readonly inContainer: boolean;
  readonly modules: readonly string[];
  readonly parameters: Readonly<Record<string, string>>;
}

/** Parameters that change what a debugger sees; `--json` has them all. */
const TELLING = /\.(nested|ept|npt|unrestricted_guest|emulate_invalid_guest_state|ignore_msrs|enable_apicv|avic|force_emulation_prefix|enable_vmware_backdoor)$/;

export function describeHost(facts: HostFacts): HostDescription {
  const { vendor, cpuFlags, featureControl } = facts;
  const nested = facts.parameters.get('kvm_intel.nested') ?? facts.parameters.get('kvm_amd.nested');
  return {
    kernel: facts.kernel ?? 'unknown',
    processor: facts.model ?? 'unknown',
    vendor: vendor ?? 'unknown',
    virtualization: cpuFlags.has('vmx') ? 'VMX' : cpuFlags.has('svm') ? 'SVM' : 'none',
    virtualizationFeatures: facts.virtualizationFeatures,
    ...(vendor === 'intel' && { featureControl: featureControlState(featureControl) }),
    isGuest: facts.hypervisor,
    nestedGuests: nested === undefined ? 'unknown' : /^[Y1]/.test(nested) ? 'yes' : 'no',
    inContainer: facts.inContainer,
    modules: [...facts.modules].filter((name) => name.startsWith('kvm')).sort(),
    parameters: Object.fromEntries(facts.parameters),
  };
}

/** Bit 0 locks, bit 2 enables VMX outside SMX (SDM vol. 3, 24.7). */
function featureControlState(value: bigint | undefined): 'on' | 'off' | 'unset' | 'unknown' {
  if (value === undefined) return 'unknown';
  if ((value & 1n) === 0n) return 'unset';
  return (value & 4n) === 0n ? 'off' : 'on';
}

/** A line per fact; where KVM does not work (`works` false), no statement about what it uses. */
export function hostText(host: HostDescription, works: boolean): string {
  const telling = Object.entries(host.parameters).filter(([name]) => TELLING.test(name)).map(([name, value]) => `${name}=${value}`);
  const virtualization = host.virtualization === 'none'
    ? (works ? 'software: KVM works without VMX or SVM' : 'the kernel shows neither VMX nor SVM')
    : [host.virtualization, ...host.virtualizationFeatures].join(' ');
  const rows: readonly (readonly [string, string])[] = [
    ['kernel', host.kernel],
    ['processor', `${host.processor} (${host.vendor})`],
    ['virtualization', virtualization],
    ...(host.featureControl === undefined ? [] : [['feature control', featureControlText[host.featureControl]] as const]),
    ['this host', `${host.isGuest ? 'a virtual machine itself' : 'no virtual machine'}, ${host.inContainer ? 'in a container' : 'not in a container'}`],
    ['nested guests', host.nestedGuests],
    ['KVM modules', host.modules.join(' ') || 'none seen'],
    ['parameters', telling.join(' ') || 'none that matter here'],
  ];
  return rows.map(([name, value]) => `${name.padEnd(17)} ${value}\n`).join('');
}

const featureControlText: Readonly<Record<'on' | 'off' | 'unset' | 'unknown', string>> = {
  on: 'VMX is on', off: 'VMX is switched off by the firmware', unset: 'not set yet, which is fine: the kernel sets it',
  unknown: 'unknown: reading it needs root and the msr module',
};
