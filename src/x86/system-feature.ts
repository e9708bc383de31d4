/**
 * `org.kvm-gdbserver.system`: what only system software has — control and debug registers, descriptor tables, hidden
 * segment bases, MSRs and the CPU mode — with every bit named as in the manual (SDM vol. 3, 2.5 "Control Registers",
 * 2.2.1 "EFER", 19.2 "Debug Registers"; vol. 4 for MSRs).
 */
import { CPU_MODES } from './cpu-mode.js';
import type { SegmentName } from './cpu-state.js';
import type { FeatureDefinition, FieldDefinition, RegisterDefinition, RegisterSource, TypeDefinition } from './description-types.js';
import { MSR, type MsrName } from './msrs.js';

const CR0: readonly FieldDefinition[] = [
  ['PE', 0], ['MP', 1], ['EM', 2], ['TS', 3], ['ET', 4], ['NE', 5], ['WP', 16], ['AM', 18], ['NW', 29], ['CD', 30], ['PG', 31],
];
const CR4: readonly FieldDefinition[] = [
  ['VME', 0], ['PVI', 1], ['TSD', 2], ['DE', 3], ['PSE', 4], ['PAE', 5], ['MCE', 6], ['PGE', 7], ['PCE', 8], ['OSFXSR', 9],
  ['OSXMMEXCPT', 10], ['UMIP', 11], ['LA57', 12], ['VMXE', 13], ['SMXE', 14], ['FSGSBASE', 16], ['PCIDE', 17],
  ['OSXSAVE', 18], ['KL', 19], ['SMEP', 20], ['SMAP', 21], ['PKE', 22], ['CET', 23], ['PKS', 24],
];
const EFER: readonly FieldDefinition[] = [['SCE', 0], ['LME', 8], ['LMA', 10], ['NXE', 11], ['SVME', 12], ['LMSLE', 13], ['FFXSR', 14]];
const DR6: readonly FieldDefinition[] = [
  ['B0', 0], ['B1', 1], ['B2', 2], ['B3', 3], ['BD', 13], ['BS', 14], ['BT', 15],
];
const DR7: readonly FieldDefinition[] = [
  ['L0', 0], ['G0', 1], ['L1', 2], ['G1', 3], ['L2', 4], ['G2', 5], ['L3', 6], ['G3', 7], ['LE', 8], ['GE', 9], ['GD', 13],
  ['RW0', 16, 17, 'dr7_type'], ['LEN0', 18, 19, 'dr7_length'], ['RW1', 20, 21, 'dr7_type'], ['LEN1', 22, 23, 'dr7_length'],
  ['RW2', 24, 25, 'dr7_type'], ['LEN2', 26, 27, 'dr7_length'], ['RW3', 28, 29, 'dr7_type'], ['LEN3', 30, 31, 'dr7_length'],
];
const APIC_BASE: readonly FieldDefinition[] = [['BSP', 8], ['EXTD', 10], ['EN', 11]];
const XCR0: readonly FieldDefinition[] = [
  ['X87', 0], ['SSE', 1], ['AVX', 2], ['BNDREGS', 3], ['BNDCSR', 4], ['OPMASK', 5], ['ZMM_HI256', 6], ['HI16_ZMM', 7], ['PKRU', 9],
];

const TYPES: readonly TypeDefinition[] = [
  { kind: 'enum', id: 'cpu_mode', size: 4, values: CPU_MODES.map(({ name, code }) => [name.toUpperCase(), code] as const) },
  { kind: 'flags', id: 'x86_mode', size: 4, fields: [['mode', 0, 3, 'cpu_mode'], ['cpl', 4, 5], ['unreal', 6], ['ss32', 7], ['ss16', 8]] },
  { kind: 'enum', id: 'dr7_type', size: 4, values: [['X', 0], ['W', 1], ['IO', 2], ['RW', 3]] },
  { kind: 'enum', id: 'dr7_length', size: 4, values: [['1', 0], ['2', 1], ['8', 2], ['4', 3]] },
  { kind: 'struct', id: 'x86_table', fields: [['base', 'uint64'], ['limit', 'uint32']] },
  { kind: 'flags', id: 'x86_cr0', size: 8, fields: CR0 },
  { kind: 'flags', id: 'x86_cr4', size: 8, fields: CR4 },
  { kind: 'flags', id: 'x86_efer', size: 8, fields: EFER },
  { kind: 'flags', id: 'x86_dr6', size: 8, fields: DR6 },
  { kind: 'flags', id: 'x86_dr7', size: 8, fields: DR7 },
  { kind: 'flags', id: 'x86_apic_base', size: 8, fields: APIC_BASE },
  { kind: 'flags', id: 'x86_xcr0', size: 8, fields: XCR0 },
];

/** MSRs shown as registers. The TSC is not among them: gdb restores registers after a call, and it must not go back. */
const DESCRIBED_MSRS: readonly MsrName[] = [
  'star', 'lstar', 'cstar', 'sfmask', 'kernel_gs_base', 'sysenter_cs', 'sysenter_esp', 'sysenter_eip', 'pat', 'tsc_aux',
  'misc_enable',
];

function register(name: string, bits: number, type: string, source: RegisterSource): RegisterDefinition {
  return { name, bits, type, source, group: 'system' };
}

function hidden(name: SegmentName, part: 'base' | 'limit', prefix: string = name): RegisterDefinition {
  return part === 'base'
    ? register(`${prefix}_base`, 64, 'uint64', { kind: 'segment', name, part })
    : register(`${prefix}_limit`, 32, 'uint32', { kind: 'segment', name, part });
}

function controlRegister(n: 0 | 2 | 3 | 4 | 8): RegisterDefinition {
  return register(`cr${n}`, 64, n === 0 || n === 4 ? `x86_cr${n}` : 'uint64', { kind: 'cr', n });
}

/** @param includeFsGs also `fs_base` and `gs_base`, for a description without gdb's segments feature. */
export function systemFeature(includeFsGs: boolean): FeatureDefinition {
  const registers: RegisterDefinition[] = [
    register('mode', 32, 'x86_mode', { kind: 'mode' }),
    ...(['cs', 'ss', 'ds', 'es'] as const).map((name) => hidden(name, 'base')),
    ...(includeFsGs ? (['fs', 'gs'] as const).map((name) => hidden(name, 'base')) : []),
    register('gdtr', 96, 'x86_table', { kind: 'table', name: 'gdt' }),
    register('idtr', 96, 'x86_table', { kind: 'table', name: 'idt' }),
    register('ldtr', 32, 'int32', { kind: 'segment', name: 'ldt', part: 'selector' }),
    hidden('ldt', 'base', 'ldtr'),
    hidden('ldt', 'limit', 'ldtr'),
    register('tr', 32, 'int32', { kind: 'segment', name: 'tr', part: 'selector' }),
    hidden('tr', 'base'),
    hidden('tr', 'limit'),
    ...([0, 2, 3, 4, 8] as const).map(controlRegister),
    register('efer', 64, 'x86_efer', { kind: 'efer' }),
    register('xcr0', 64, 'x86_xcr0', { kind: 'xcr0' }),
    ...([0, 1, 2, 3] as const).map((n) => register(`dr${n}`, 64, 'uint64', { kind: 'dr', n })),
    register('dr6', 64, 'x86_dr6', { kind: 'dr', n: 6 }),
    register('dr7', 64, 'x86_dr7', { kind: 'dr', n: 7 }),
    register('apic_base', 64, 'x86_apic_base', { kind: 'apic-base' }),
    ...DESCRIBED_MSRS.map((name) => register(name, 64, 'uint64', { kind: 'msr', index: MSR[name] })),
  ];
  return { name: 'org.kvm-gdbserver.system', types: TYPES, registers };
}
