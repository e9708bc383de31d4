/**
 * The CPUID table of a guest: what KVM supports on this host, made true for this machine (SDM vol. 2A, CPUID;
 * Documentation/virt/kvm/api.rst, KVM_SET_CPUID2).
 */
import type { StructLayout } from './native.js';

/**
 * `host`: everything KVM offers, with its paravirtual clock. `plain`: no hypervisor leaves, RDRAND or RDSEED, so that
 * two runs of one guest see the same values.
 */
export type CpuidPolicy = 'host' | 'plain';

export interface CpuidOptions {
  readonly apicId: number;
  readonly cpus: number;
  /** Whether there is a local APIC, which only the kernel's irqchip brings. */
  readonly localApic: boolean;
  readonly policy: CpuidPolicy;
}

const HYPERVISOR_FIRST = 0x4000_0000;
const HYPERVISOR_LAST = 0x4fff_ffff;

/**
 * A copy of `supported` (`struct kvm_cpuid_entry2[]`) for one vCPU: its APIC id and the topology in leaves 1, 4, 0xB,
 * 0x1F and 8000_0008; no APIC features without an APIC; no performance counters.
 */
export function cpuidTable(supported: Uint8Array, layout: StructLayout, options: CpuidOptions): Uint8Array {
  const offset = (field: string): number => {
    const place = layout.fields[field];
    if (place === undefined) throw new Error(`The binding's layout of kvm_cpuid_entry2 has no ${field}.`);
    return place.offset;
  };
  const at = { function: offset('function'), index: offset('index'), eax: offset('eax'), ebx: offset('ebx'), ecx: offset('ecx'), edx: offset('edx') };
  const kept: Uint8Array[] = [];
  for (let start = 0; start + layout.size <= supported.length; start += layout.size) {
    const entry = supported.slice(start, start + layout.size);
    const view = new DataView(entry.buffer);
    const get = (field: keyof typeof at): number => view.getUint32(at[field], true);
    const set = (field: keyof typeof at, value: number): void => view.setUint32(at[field], value >>> 0, true);
    const leaf = get('function');
    if (options.policy === 'plain' && leaf >= HYPERVISOR_FIRST && leaf <= HYPERVISOR_LAST) continue;
    fixLeaf(leaf, get, set, options);
    kept.push(entry);
  }
  const table = new Uint8Array(kept.length * layout.size);
  kept.forEach((entry, index) => table.set(entry, index * layout.size));
  return table;
}

type Register = 'eax' | 'ebx' | 'ecx' | 'edx';

function fixLeaf(
  leaf: number,
  get: (field: Register | 'index') => number,
  set: (field: Register, value: number) => void,
  { apicId, cpus, localApic, policy }: CpuidOptions,
): void {
  const clear = (field: Register, ...bits: number[]): void => set(field, bits.reduce((value, bit) => value & ~(1 << bit), get(field)));
  const set1 = (field: Register, bit: number): void => set(field, get(field) | (1 << bit));
  switch (leaf) {
    case 0x1:
      set('ebx', (get('ebx') & 0x0000_ffff) | (Math.min(cpus, 255) << 16) | (apicId << 24));
      if (cpus > 1) set1('edx', 28); else clear('edx', 28);
      if (policy === 'plain') clear('ecx', 30, 31); // RDRAND, hypervisor
      else set1('ecx', 31);
      // x2APIC, TSC deadline and the APIC itself
      if (!localApic) {
        clear('ecx', 21, 24);
        clear('edx', 9);
      }
      break;
    case 0x4:
      // No hyper-threads, and `cpus` cores in the package.
      if ((get('eax') & 0x1f) !== 0) set('eax', (get('eax') & 0x0000_3fff) | ((cpus - 1) << 26));
      break;
    case 0x7:
      if (get('index') === 0 && policy === 'plain') clear('ebx', 18); // RDSEED
      break;
    case 0xa:
      for (const field of ['eax', 'ebx', 'ecx', 'edx'] as const) set(field, 0);
      break;
    case 0xb:
    case 0x1f:
      fixTopology(get('index'), set, apicId, cpus);
      break;
    case 0x8000_0008:
      set('ecx', (get('ecx') & ~0xf0ff) | (cpus - 1));
      break;
    default:
      break;
  }
}

/** Level 0: one thread a core. Level 1: the cores of the package. EDX is the x2APIC id at every level. */
function fixTopology(level: number, set: (field: Register, value: number) => void, apicId: number, cpus: number): void {
  const THREAD = 1, CORE = 2;
  const coreBits = cpus > 1 ? 32 - Math.clz32(cpus - 1) : 0;
  set('eax', level === 1 ? coreBits : 0);
  set('ebx', level === 0 ? 1 : level === 1 ? cpus : 0);
  set('ecx', level | (level === 0 ? THREAD << 8 : level === 1 ? CORE << 8 : 0));
  set('edx', apicId);
}
