/**
 * The register description served to gdb. `superset` is the one for every CPU mode: 64- and 32-bit names together,
 * one `g` layout for the whole life of the guest, so that stock gdb follows it from real to long mode whether it has
 * no file, an ELF64 or an ELF32 one. The others are for scripts that insist on one architecture.
 */
import { avx512Feature, avxFeature, coreFeature, pkeysFeature, segmentsFeature, sseFeature } from './core-features.js';
import type { FeatureDefinition, X86Register, X86TargetDescription } from './description-types.js';
import { descriptionXml } from './description-xml.js';
import { systemFeature } from './system-feature.js';

export type { RegisterSource, X86Register, X86TargetDescription } from './description-types.js';

export const DESCRIPTION_VARIANTS = ['superset', 'x86-64', 'i386', 'i8086'] as const;
export type DescriptionVariant = (typeof DESCRIPTION_VARIANTS)[number];

export interface DescriptionOptions {
  /** Default `superset`. */
  readonly variant?: DescriptionVariant;
  /** The vCPU has these state components (CPUID leaf 0xD); gdb wants AVX wherever AVX-512 is. */
  readonly avx?: boolean;
  readonly avx512?: boolean;
  readonly pkru?: boolean;
}

const ARCHITECTURES: Record<DescriptionVariant, string> = {
  superset: 'i386:x86-64', 'x86-64': 'i386:x86-64', i386: 'i386', i8086: 'i8086',
};

/** What a stop reply carries, so that a step costs gdb no `g`: where it is, its frame, and the mode. */
const EXPEDITED = ['rip', 'eip', 'rsp', 'esp', 'rbp', 'ebp', 'eflags', 'cs_base', 'mode'];

function features(options: DescriptionOptions, variant: DescriptionVariant): FeatureDefinition[] {
  const is64 = variant === 'superset' || variant === 'x86-64';
  const count = is64 ? 16 : 8;
  const hasAvx = options.avx === true || options.avx512 === true;
  return [
    coreFeature(variant === 'superset' ? 'both' : is64 ? '64-bit' : '32-bit'),
    sseFeature(count),
    ...(hasAvx ? [avxFeature(count)] : []),
    ...(options.avx512 === true ? [avx512Feature(is64)] : []),
    ...(options.pkru === true ? [pkeysFeature()] : []),
    ...(is64 ? [segmentsFeature()] : []),
    systemFeature(!is64),
  ];
}

/** The description with register numbers and `g` offsets in the order of the XML. */
export function buildTargetDescription(options: DescriptionOptions = {}): X86TargetDescription {
  const variant = options.variant ?? 'superset';
  const parts = features(options, variant);
  const registers: X86Register[] = [];
  let offset = 0;
  for (const { name, bits, source } of parts.flatMap((feature) => feature.registers)) {
    const size = bits / 8;
    registers.push({ name, regnum: registers.length, offset, size, source });
    offset += size;
  }
  const numberOf = (name: string): number | undefined => registers.find((register) => register.name === name)?.regnum;
  return {
    xml: descriptionXml(ARCHITECTURES[variant], parts),
    registers,
    size: offset,
    expedited: EXPEDITED.flatMap((name) => numberOf(name) ?? []),
    pc: numberOf('rip') ?? numberOf('eip') ?? 0,
  };
}
