/**
 * The x86-64 feature levels of the System V ABI (AMD64 supplement, 3.1.1) against what a guest's CPUID shows. The names
 * are those of /proc/cpuinfo: `pni` is SSE3, `abm` LZCNT. What a level asks of CR4 and XCR0 is the guest's own affair.
 */
import { GuestError, type IsaLevel, type LoadedGuest } from './boot/boot-options.js';
import { CpuidEntries } from './cpuid-entries.js';
import { CPUID_FEATURES, type CpuidFeature } from './cpuid-features.js';
import type { StructLayout } from './native.js';

/** What each level adds to the one below. */
const ADDED: Readonly<Record<IsaLevel, readonly string[]>> = {
  1: ['cmov', 'cx8', 'fpu', 'fxsr', 'mmx', 'syscall', 'sse', 'sse2'],
  2: ['cx16', 'lahf_lm', 'popcnt', 'pni', 'sse4_1', 'sse4_2', 'ssse3'],
  3: ['avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'abm', 'movbe', 'xsave'],
  4: ['avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl'],
};
const LEVELS: readonly IsaLevel[] = [1, 2, 3, 4];
/** Instructions that 32-bit code does not have. */
const ONLY_64_BIT: readonly string[] = ['syscall', 'cx16', 'lahf_lm'];

export function isaLevelName(level: IsaLevel): string {
  return level === 1 ? 'x86-64 (baseline)' : `x86-64-v${level}`;
}

/** The features of `level` and those below that `shown` (`struct kvm_cpuid_entry2[]`) lacks. */
export function missingFeatures(shown: Uint8Array, layout: StructLayout, level: IsaLevel, bits: 32 | 64): string[] {
  const entries = new CpuidEntries(shown, layout);
  return LEVELS.filter((each) => each <= level).flatMap((each) => ADDED[each])
    .filter((name) => !(bits === 32 && ONLY_64_BIT.includes(name)) && !entries.has(CPUID_FEATURES.get(name) as CpuidFeature));
}

/**
 * Compares what a guest's ELF file says of itself with the CPUID that it will see. Throws GuestError when it needs more;
 * returns a sentence when it only uses more, which is no fault in code that looks before it does.
 */
export function checkIsaLevel(guest: LoadedGuest, name: string, shown: Uint8Array, layout: StructLayout, cpuWasChosen: boolean): string | undefined {
  const { isa } = guest;
  if (isa === undefined) return undefined;
  const lacking = (level: IsaLevel | undefined): string => (level === undefined ? '' : missingFeatures(shown, layout, level, isa.bits).join(', '));
  const wayOut = `${cpuWasChosen ? 'change --cpu' : 'take a host that has it'}, or build it with -march=x86-64`;
  const missing = lacking(isa.needed);
  if (isa.needed !== undefined && missing !== '') {
    throw new GuestError(`${name} needs ${isaLevelName(isa.needed)} (its GNU property note says so), and the guest's CPUID lacks ${missing}; ${wayOut}.`);
  }
  const unused = lacking(isa.used);
  return isa.used === undefined || unused === '' ? undefined
    : `${name} uses ${isaLevelName(isa.used)} in places (its GNU property note says so), and the guest's CPUID lacks ${unused}; where it does not look first, ${wayOut}.`;
}
