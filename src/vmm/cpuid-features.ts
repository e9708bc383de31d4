/**
 * Where the features of a processor are in CPUID, by the names that Linux shows in /proc/cpuinfo (SDM vol. 2A, CPUID;
 * APM vol. 3, appendix E). Only what is a matter of CPUID: bits that follow a control register (OSXSAVE, OSPKE) and those
 * that Linux names after a mitigation are left out.
 */

export type CpuidRegister = 'eax' | 'ebx' | 'ecx' | 'edx';

export interface CpuidWord {
  readonly leaf: number;
  readonly index: number;
  readonly register: CpuidRegister;
}

export interface CpuidFeature {
  readonly word: CpuidWord;
  readonly bit: number;
}

/** Words with their bits' names: from bit 0 on, `.` for a bit without a name, `@N` goes on at bit N. */
const WORDS: readonly (readonly [leaf: number, index: number, register: CpuidRegister, names: string])[] = [
  [0x1, 0, 'edx', 'fpu vme de pse tsc msr pae mce cx8 apic . sep mtrr pge mca cmov pat pse36 pn clflush . dts acpi mmx fxsr sse sse2 ss ht tm ia64 pbe'],
  [0x1, 0, 'ecx', 'pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm . pcid dca sse4_1 sse4_2 x2apic movbe ' +
    'popcnt tsc_deadline_timer aes xsave . avx f16c rdrand hypervisor'],
  [0x7, 0, 'ebx', 'fsgsbase tsc_adjust sgx bmi1 hle avx2 . smep bmi2 erms invpcid rtm cqm . mpx rdt_a avx512f avx512dq rdseed adx smap avx512ifma . ' +
    'clflushopt clwb intel_pt avx512pf avx512er avx512cd sha_ni avx512bw avx512vl'],
  [0x7, 0, 'ecx', '. avx512vbmi umip pku . waitpkg avx512_vbmi2 . gfni vaes vpclmulqdq avx512_vnni avx512_bitalg tme avx512_vpopcntdq . la57 ' +
    '@22 rdpid . bus_lock_detect cldemote . movdiri movdir64b enqcmd'],
  [0x7, 0, 'edx', '@2 avx512_4vnniw avx512_4fmaps fsrm @8 avx512_vp2intersect . md_clear @14 serialize . tsxldtrk . pconfig arch_lbr ibt . ' +
    'amx_bf16 avx512_fp16 amx_tile amx_int8 @28 flush_l1d arch_capabilities'],
  [0x7, 1, 'eax', '@4 avx_vnni avx512_bf16 @22 . avx_ifma'],
  [0xd, 1, 'eax', 'xsaveopt xsavec xgetbv1 xsaves'],
  [0x8000_0001, 0, 'edx', '@11 syscall @19 mp nx . mmxext @25 fxsr_opt pdpe1gb rdtscp . lm 3dnowext 3dnow'],
  [0x8000_0001, 0, 'ecx', 'lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop skinit wdt . lwp fma4 tce . ' +
    'nodeid_msr . tbm topoext perfctr_core perfctr_nb . bpext ptsc perfctr_llc mwaitx'],
];

export const CPUID_WORDS: readonly CpuidWord[] = WORDS.map(([leaf, index, register]) => ({ leaf, index, register }));

export const CPUID_FEATURES: ReadonlyMap<string, CpuidFeature> = new Map(WORDS.flatMap(([, , , names], number) => {
  let bit = 0;
  const found: [string, CpuidFeature][] = [];
  for (const name of names.split(' ')) {
    if (name.startsWith('@')) {
      bit = Number(name.slice(1));
      continue;
    }
    if (name !== '.') found.push([name, { word: CPUID_WORDS[number], bit }]);
    bit++;
  }
  return found;
}));

/** Every 64-bit processor has these (System V ABI for AMD64, x86-64-v1, and what system code adds): `--cpu base`. */
export const BASE_FEATURES: readonly string[] = ('fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse ' +
  'sse2 ht pni cx16 syscall nx lm lahf_lm').split(' ');
