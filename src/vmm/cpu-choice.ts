/** `--cpu`: which features of the processor a guest's CPUID shows. */
import { CpuidEntries } from './cpuid-entries.js';
import { BASE_FEATURES, CPUID_FEATURES, CPUID_WORDS, type CpuidFeature } from './cpuid-features.js';
import type { StructLayout } from './native.js';

export interface CpuChoice {
  /** `host`: all that KVM offers here. `base`: x86-64-v1 without a hypervisor's leaves, nearly the same on every host. */
  readonly model: 'host' | 'base';
  /** Names of /proc/cpuinfo. */
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** These bits of 8000_0001H:EDX repeat 1:EDX on AMD (APM vol. 3, E.4.2) and are zero on Intel. */
const REPEATED = 0x0183_f3ff;
/** Leaves of features that `base` does not have: SGX, PT, key locker, AMX, SVM, memory encryption, later AMD features. */
const BEYOND_BASE: ReadonlySet<number> = new Set([0x12, 0x14, 0x19, 0x1d, 0x1e, 0x24, 0x8000_000a, 0x8000_001f, 0x8000_0021, 0x8000_0022]);
/** XSAVE components by the feature that brings them (SDM vol. 1, 13.1). */
const COMPONENTS: readonly (readonly [name: string, components: readonly number[]])[] = [
  ['avx', [2]], ['mpx', [3, 4]], ['avx512f', [5, 6, 7]], ['pku', [9]], ['amx_tile', [17, 18]],
];
const APIC_FEATURES: readonly string[] = ['apic', 'x2apic', 'tsc_deadline_timer'];

/** Reads `host`, `base`, `-name`, `+name` with commas between. Throws RangeError with one sentence. */
export function parseCpuChoice(text: string): CpuChoice {
  let model: CpuChoice['model'] = 'host';
  const add: string[] = [];
  const remove: string[] = [];
  text.split(',').forEach((word, position) => {
    if (position === 0 && (word === 'host' || word === 'base')) {
      model = word;
      return;
    }
    const name = word.slice(1);
    if (!/^[-+]./.test(word)) throw new RangeError(`--cpu takes host or base, then -feature and +feature with commas between, not "${word}".`);
    if (!CPUID_FEATURES.has(name)) throw new RangeError(`--cpu does not know the feature "${name}"; names are those of /proc/cpuinfo, such as avx2.`);
    if ((word.startsWith('+') ? add : remove).includes(name)) throw new RangeError(`--cpu names ${word} twice; once is enough.`);
    if ((word.startsWith('+') ? remove : add).includes(name)) throw new RangeError(`--cpu both adds and takes away ${name}; which one?`);
    (word.startsWith('+') ? add : remove).push(name);
  });
  return { model, add, remove };
}

/**
 * A copy of `table` (`struct kvm_cpuid_entry2[]`, made for a vCPU) that shows what was chosen. `supported` is what KVM
 * offers, and nothing is set beyond it. Throws RangeError for features that need another. Whether the host follows is for
 * `checkCpuChoice` to say.
 */
export function applyCpuChoice(
  table: Uint8Array, supported: Uint8Array, layout: StructLayout, choice: CpuChoice, localApic: boolean,
): Uint8Array {
  const entries = new CpuidEntries(table, layout);
  const offered = new CpuidEntries(supported, layout);
  const feature = (name: string): CpuidFeature => CPUID_FEATURES.get(name) as CpuidFeature;
  const has = (name: string): boolean => entries.has(feature(name));

  const needApic = localApic ? undefined : choice.add.find((name) => APIC_FEATURES.includes(name));
  if (needApic !== undefined) throw new RangeError(`--cpu +${needApic} needs a local APIC; add --irqchip kernel or split.`);
  if (choice.model === 'base') keepBase(entries);
  for (const name of choice.add) if (name === 'hypervisor' || offered.has(feature(name))) entries.put(feature(name), true);
  for (const name of choice.remove) entries.put(feature(name), false);
  const dependent = COMPONENTS.find(([name]) => choice.add.includes(name) && !has('xsave'))?.[0];
  if (dependent !== undefined) throw new RangeError(`--cpu +${dependent} needs xsave too; add +xsave.`);

  repeatLeaf1(entries);
  const gone = new Set(COMPONENTS.filter(([name]) => !has(name)).flatMap(([, components]) => components));
  const xcr0 = entries.find({ leaf: 0xd, index: 0 });
  if (xcr0 !== undefined) entries.set(xcr0, 'eax', [...gone].reduce((mask, component) => mask & ~(1 << component), entries.get(xcr0, 'eax')));
  return entries.without((leaf, index) =>
    (leaf === 0xd && (!has('xsave') || (index >= 2 && gone.has(index)))) ||
    (choice.model === 'base' && BEYOND_BASE.has(leaf) && !(leaf === 0x8000_000a && has('svm'))));
}

/**
 * Compares what a vCPU's CPUID shows once it is set (KVM_GET_CPUID2) with what was chosen: a software KVM runs guest code
 * whose CPUID it cannot change, and writes the processor's own values into the table. Throws RangeError naming what differs.
 */
export function checkCpuChoice(shown: Uint8Array, layout: StructLayout, choice: CpuChoice): void {
  const entries = new CpuidEntries(shown, layout);
  const shows = (name: string): boolean => entries.has(CPUID_FEATURES.get(name) as CpuidFeature);
  const missing = choice.add.filter((name) => !shows(name));
  if (missing.length > 0) throw new RangeError(`This host's KVM cannot give the guest ${missing.join(', ')}; leave it out of --cpu or take another host.`);
  const beyond = choice.model === 'host' ? [] : [...CPUID_FEATURES.keys()].filter((name) => !BASE_FEATURES.includes(name) && !choice.add.includes(name));
  const repeats = new Set([...choice.remove, ...beyond].filter(shows));
  if (repeats.size > 0) {
    throw new RangeError(`This host's KVM cannot hide ${[...repeats].join(', ')} from the guest; use --cpu host or take a host with VMX or SVM.`);
  }
}

function keepBase(entries: CpuidEntries): void {
  for (const word of CPUID_WORDS) {
    const start = entries.find(word);
    if (start === undefined) continue;
    const mask = BASE_FEATURES.map((name) => CPUID_FEATURES.get(name))
      .reduce((bits, known) => (known?.word === word ? bits | (1 << known.bit) : bits), 0);
    const repeated = word.leaf === 0x8000_0001 && word.register === 'edx' ? REPEATED : 0;
    entries.set(start, word.register, entries.get(start, word.register) & (mask | repeated));
  }
}

function repeatLeaf1(entries: CpuidEntries): void {
  const first = entries.find({ leaf: 1, index: 0 });
  const extended = entries.find({ leaf: 0x8000_0001, index: 0 });
  if (first === undefined || extended === undefined) return;
  entries.set(extended, 'edx', entries.get(extended, 'edx') & (entries.get(first, 'edx') | ~REPEATED));
}
