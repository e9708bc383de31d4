/**
 * Which mode the processor executes in, and what that makes of its instruction and stack pointers
 * (SDM vol. 3, 2.2 "Modes of Operation"; APM vol. 2, 1.3).
 */
import type { SystemRegisters } from './cpu-state.js';

export const CR0_PE = 1n << 0n;
export const CR0_PG = 1n << 31n;
export const EFER_LMA = 1n << 10n;
export const RFLAGS_TF = 1n << 8n;
export const RFLAGS_IF = 1n << 9n;
export const RFLAGS_RF = 1n << 16n;
export const RFLAGS_VM = 1n << 17n;

/**
 * `real32` is real-address mode with CS.D = 1, met between clearing CR0.PE and the far jump. "Unreal" mode (limits
 * above 64 KiB with PE clear) decodes like `real16` and has no name of its own: see `isUnreal`.
 */
export type CpuModeName =
  | 'real16' | 'real32' | 'vm86' | 'protected16' | 'protected32' | 'compat16' | 'compat32' | 'long64';

export interface CpuMode {
  readonly name: CpuModeName;
  /** What gdb's `mode` register carries; stable, part of the target description. */
  readonly code: number;
  /** Default operand and address size of the code: 16, 32 or 64. In `long64` operands default to 32 bits. */
  readonly operandBits: 16 | 32 | 64;
  /** Selectors are paragraphs (base = selector << 4) rather than indices into a descriptor table. */
  readonly usesParagraphs: boolean;
  /** EFER.LMA: the IDT holds 16-byte gates and interrupts push 8-byte slots. */
  readonly isLong: boolean;
}

function mode(name: CpuModeName, code: number, operandBits: 16 | 32 | 64): CpuMode {
  return Object.freeze({
    name,
    code,
    operandBits,
    usesParagraphs: name.startsWith('real') || name === 'vm86',
    isLong: name.startsWith('compat') || name === 'long64',
  });
}

const REAL16 = mode('real16', 0, 16);
const REAL32 = mode('real32', 1, 32);
const VM86 = mode('vm86', 2, 16);
const PROTECTED16 = mode('protected16', 3, 16);
const PROTECTED32 = mode('protected32', 4, 32);
const COMPAT16 = mode('compat16', 5, 16);
const COMPAT32 = mode('compat32', 6, 32);
const LONG64 = mode('long64', 7, 64);

/** Every mode; the index is its `code`. */
export const CPU_MODES: readonly CpuMode[] = [
  REAL16, REAL32, VM86, PROTECTED16, PROTECTED32, COMPAT16, COMPAT32, LONG64,
];

/** The mode that the next instruction is decoded in. `rflags` matters for its VM bit only. */
export function cpuMode(sregs: Pick<SystemRegisters, 'cr0' | 'efer' | 'cs'>, rflags: bigint): CpuMode {
  const cs = sregs.cs;
  if ((sregs.cr0 & CR0_PE) === 0n) return cs.db !== 0 ? REAL32 : REAL16;
  if ((sregs.efer & EFER_LMA) !== 0n) {
    if (cs.l !== 0) return LONG64;
    return cs.db !== 0 ? COMPAT32 : COMPAT16;
  }
  if ((rflags & RFLAGS_VM) !== 0n) return VM86;
  return cs.db !== 0 ? PROTECTED32 : PROTECTED16;
}

/**
 * Current privilege level, 0..3. Taken from SS.DPL as KVM does: right after CR0.PE is set the low bits of CS are
 * still part of a real-mode paragraph and say nothing.
 */
export function cpl(sregs: Pick<SystemRegisters, 'ss'>, mode: CpuMode): number {
  if (mode.name === 'vm86') return 3;
  return mode.usesParagraphs ? 0 : sregs.ss.dpl;
}

/** Real-address mode with a data or stack segment whose hidden limit reaches past 64 KiB. */
export function isUnreal(
  sregs: Pick<SystemRegisters, 'ds' | 'es' | 'fs' | 'gs' | 'ss'>, mode: CpuMode,
): boolean {
  if (mode.name !== 'real16' && mode.name !== 'real32') return false;
  const { ds, es, fs, gs, ss } = sregs;
  return [ds, es, fs, gs, ss].some((segment) => segment.limit > 0xffff);
}

/** Width of the stack pointer that pushes and calls use, by SS.B (SDM vol. 1, 6.2.3): 16, 32, or 64 in 64-bit mode. */
export function stackBits(sregs: Pick<SystemRegisters, 'ss'>, mode: CpuMode): 16 | 32 | 64 {
  if (mode === LONG64) return 64;
  return sregs.ss.db !== 0 ? 32 : 16;
}

const MASK32 = 0xffff_ffffn;

/** Linear address of an offset in CS: CS.base + `rip` modulo 2^32, or `rip` itself in 64-bit mode. */
export function linearPc(sregs: Pick<SystemRegisters, 'cs'>, rip: bigint, mode: CpuMode): bigint {
  return mode === LONG64 ? rip : (sregs.cs.base + rip) & MASK32;
}

/** The raw `rip` that makes `linear` the next instruction: the inverse of `linearPc`. */
export function ripOfLinear(sregs: Pick<SystemRegisters, 'cs'>, linear: bigint, mode: CpuMode): bigint {
  return mode === LONG64 ? BigInt.asUintN(64, linear) : (linear - sregs.cs.base) & MASK32;
}

/**
 * Linear address of the top of the stack: SS.base plus the part of `rsp` that SS.B selects (SDM vol. 1, 6.2.3);
 * `rsp` itself in 64-bit mode.
 */
export function linearSp(sregs: Pick<SystemRegisters, 'ss'>, rsp: bigint, mode: CpuMode): bigint {
  if (mode === LONG64) return rsp;
  const offset = stackBits(sregs, mode) === 32 ? rsp & MASK32 : rsp & 0xffffn;
  return (sregs.ss.base + offset) & MASK32;
}
