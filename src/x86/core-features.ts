/**
 * The features that gdb itself knows and checks by name (gdb manual, G.5.15 "i386 Features"): general registers, x87,
 * SSE, AVX, AVX-512, protection keys and segment bases, in the order of gdb's own i386 and amd64 layouts.
 */
import type { GeneralRegisterName } from './cpu-state.js';
import type { FeatureDefinition, FieldDefinition, RegisterDefinition, TypeDefinition } from './description-types.js';
import { XSTATE, type X87Control } from './xsave.js';

type Gpr = Exclude<GeneralRegisterName, 'rip' | 'rflags'>;

/** Which general registers the core feature holds. */
export type CoreNames = 'both' | '64-bit' | '32-bit';

const GPRS_64: readonly Gpr[] = [
  'rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp', 'rsp', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15',
];
const GPRS_32: readonly (readonly [string, Gpr])[] = [
  ['eax', 'rax'], ['ecx', 'rcx'], ['edx', 'rdx'], ['ebx', 'rbx'], ['esp', 'rsp'], ['ebp', 'rbp'], ['esi', 'rsi'], ['edi', 'rdi'],
];
const SELECTORS = ['cs', 'ss', 'ds', 'es', 'fs', 'gs'] as const;
const X87_CONTROLS: readonly X87Control[] = ['fctrl', 'fstat', 'ftag', 'fiseg', 'fioff', 'foseg', 'fooff', 'fop'];

/** EFLAGS (SDM vol. 1, 3.4.3); the unnamed bit 1 is always one and gdb shows it so. */
const EFLAGS_FIELDS: readonly FieldDefinition[] = [
  ['CF', 0], ['', 1], ['PF', 2], ['AF', 4], ['ZF', 6], ['SF', 7], ['TF', 8], ['IF', 9], ['DF', 10], ['OF', 11],
  ['IOPL', 12, 13], ['NT', 14], ['RF', 16], ['VM', 17], ['AC', 18], ['VIF', 19], ['VIP', 20], ['ID', 21],
];

const MXCSR_FIELDS: readonly FieldDefinition[] = [
  ['IE', 0], ['DE', 1], ['ZE', 2], ['OE', 3], ['UE', 4], ['PE', 5], ['DAZ', 6], ['IM', 7], ['DM', 8], ['ZM', 9],
  ['OM', 10], ['UM', 11], ['PM', 12], ['RC', 13, 14], ['FZ', 15],
];

function gpr(name: string, source: Gpr, bits: 32 | 64, alias: boolean): RegisterDefinition {
  const isStack = /sp$|bp$/.test(name);
  return {
    name, bits, type: `${isStack ? 'uint' : 'int'}${bits}`, source: { kind: 'gpr', name: source, bits },
    ...(alias ? { saveRestore: false } : {}),
  };
}

/** The pc has an integer type: a `code_ptr` follows the selected architecture's size and breaks the `g` length. */
function pc(name: string, bits: 32 | 64, alias: boolean): RegisterDefinition {
  return { name, bits, type: `uint${bits}`, source: { kind: 'pc', bits }, ...(alias ? { saveRestore: false } : {}) };
}

/** `org.gnu.gdb.i386.core`. With `both`, the 32-bit names follow as aliases, so that gdb accepts ELF32 files too. */
export function coreFeature(names: CoreNames): FeatureDefinition {
  const wide = names !== '32-bit';
  const narrow = [...GPRS_32.map(([name, source]) => gpr(name, source, 32, wide)), pc('eip', 32, wide)];
  const full = [...GPRS_64.map((name) => gpr(name, name, 64, false)), pc('rip', 64, false)];
  const registers: RegisterDefinition[] = wide ? full : [...narrow];
  registers.push({ name: 'eflags', bits: 32, type: 'i386_eflags', source: { kind: 'eflags' } });
  for (const name of SELECTORS) {
    registers.push({ name, bits: 32, type: 'int32', source: { kind: 'segment', name, part: 'selector' } });
  }
  for (let index = 0; index < 8; index++) {
    registers.push({
      name: `st${index}`, bits: 80, type: 'i387_ext',
      source: { kind: 'xsave', field: { component: XSTATE.x87, start: 32 + 16 * index, size: 10 } },
    });
  }
  for (const control of X87_CONTROLS) {
    registers.push({
      name: control, bits: 32, type: 'int32', group: 'float', source: { kind: 'xsave', field: { control } },
    });
  }
  if (names === 'both') registers.push(...narrow);
  return {
    name: 'org.gnu.gdb.i386.core',
    types: [{ kind: 'flags', id: 'i386_eflags', size: 4, fields: EFLAGS_FIELDS }],
    registers,
  };
}

const VECTOR_PARTS: readonly TypeDefinition[] = [
  { kind: 'vector', id: 'v4f', type: 'ieee_single', count: 4 },
  { kind: 'vector', id: 'v2d', type: 'ieee_double', count: 2 },
  { kind: 'vector', id: 'v16i8', type: 'int8', count: 16 },
  { kind: 'vector', id: 'v8i16', type: 'int16', count: 8 },
  { kind: 'vector', id: 'v4i32', type: 'int32', count: 4 },
  { kind: 'vector', id: 'v2i64', type: 'int64', count: 2 },
  {
    kind: 'union', id: 'vec128',
    fields: [['v4_float', 'v4f'], ['v2_double', 'v2d'], ['v16_int8', 'v16i8'], ['v8_int16', 'v8i16'],
      ['v4_int32', 'v4i32'], ['v2_int64', 'v2i64'], ['uint128', 'uint128']],
  },
];

/** `count` registers side by side in one XSAVE component, each `bytes` long and `stride` bytes after the last. */
function vectors(
  name: (index: number) => string, count: number, bytes: number, type: string, component: number, first = 0, stride = bytes,
): RegisterDefinition[] {
  return Array.from({ length: count }, (_, index) => ({
    name: name(index), bits: bytes * 8, type, group: 'vector',
    source: { kind: 'xsave', field: { component, start: first + stride * index, size: bytes } },
  }));
}

/** `org.gnu.gdb.i386.sse`: 16 XMM registers, 8 with the 32-bit names only; mxcsr. */
export function sseFeature(count: 8 | 16): FeatureDefinition {
  return {
    name: 'org.gnu.gdb.i386.sse',
    types: [...VECTOR_PARTS, { kind: 'flags', id: 'i386_mxcsr', size: 4, fields: MXCSR_FIELDS }],
    registers: [
      ...vectors((index) => `xmm${index}`, count, 16, 'vec128', XSTATE.sse),
      { name: 'mxcsr', bits: 32, type: 'i386_mxcsr', group: 'vector', source: { kind: 'xsave', field: { control: 'mxcsr' } } },
    ],
  };
}

/** `org.gnu.gdb.i386.avx`: the upper halves of YMM; gdb joins them with XMM. */
export function avxFeature(count: 8 | 16): FeatureDefinition {
  return {
    name: 'org.gnu.gdb.i386.avx', types: [],
    registers: vectors((index) => `ymm${index}h`, count, 16, 'uint128', XSTATE.avx),
  };
}

/**
 * `org.gnu.gdb.i386.avx512`. Component Hi16_ZMM holds ZMM16–31 whole, 64 bytes each, of which gdb wants three parts:
 * xmm (0–15), ymmh (16–31) and zmmh (32–63).
 */
export function avx512Feature(is64: boolean): FeatureDefinition {
  const masks = vectors((index) => `k${index}`, 8, 8, 'uint64', XSTATE.opmask);
  const lowHalves = vectors((index) => `zmm${index}h`, is64 ? 16 : 8, 32, 'v2ui128', XSTATE.zmmHi256);
  const upper = !is64 ? [] : [
    ...vectors((index) => `zmm${index + 16}h`, 16, 32, 'v2ui128', XSTATE.hi16Zmm, 32, 64),
  ];
  const wide = !is64 ? [] : [
    ...vectors((index) => `xmm${index + 16}`, 16, 16, 'vec128', XSTATE.hi16Zmm, 0, 64),
    ...vectors((index) => `ymm${index + 16}h`, 16, 16, 'uint128', XSTATE.hi16Zmm, 16, 64),
  ];
  return {
    name: 'org.gnu.gdb.i386.avx512',
    types: [...(is64 ? VECTOR_PARTS : []), { kind: 'vector', id: 'v2ui128', type: 'uint128', count: 2 }],
    registers: [...wide, ...masks, ...lowHalves, ...upper],
  };
}

/** `org.gnu.gdb.i386.pkeys`. */
export function pkeysFeature(): FeatureDefinition {
  return {
    name: 'org.gnu.gdb.i386.pkeys', types: [],
    registers: [{
      name: 'pkru', bits: 32, type: 'uint32',
      source: { kind: 'xsave', field: { component: XSTATE.pkru, start: 0, size: 4 } },
    }],
  };
}

/** `org.gnu.gdb.i386.segments`. gdb's own name of the feature; it takes these for the thread pointers. */
export function segmentsFeature(): FeatureDefinition {
  const base = (name: 'fs' | 'gs'): RegisterDefinition => ({
    name: `${name}_base`, bits: 64, type: 'uint64', source: { kind: 'segment', name, part: 'base' },
  });
  return { name: 'org.gnu.gdb.i386.segments', types: [], registers: [base('fs'), base('gs')] };
}
