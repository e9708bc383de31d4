/**
 * Undoes an instruction with LOCK whose store has not been made: what the registers were before it, from what they are
 * behind it and the value that it wants to store (SDM vol. 3, 9.1.2.2 lists those that lock).
 */
import type { GeneralRegisters } from './cpu-state.js';
import { accessesOf, type AccessState } from './instruction-access.js';
import { decode, LONGEST_INSTRUCTION, type DecodedInstruction, type RegisterPart } from './instruction-decode.js';
import { linearPc } from './cpu-mode.js';

const RFLAGS_ZF = 1n << 6n;
/** LOCK, opcode and ModRM are two bytes at least: XCHG needs no prefix. */
const SHORTEST = 2;
/** They add a carry that was overwritten. */
const NOT_UNDONE: ReadonlySet<string> = new Set(['adc', 'sbb']);
const COMPARES: ReadonlySet<string> = new Set(['cmpxchg', 'cmpxchg8b', 'cmpxchg16b']);

export interface PendingStore {
  /** What is to be stored, or the first piece of it, as KVM tells it. */
  readonly value: bigint;
  /** In bytes, up to 8. */
  readonly size: number;
  /** Whether the store begins at a linear address. */
  readonly isAt: (linear: bigint) => boolean;
}

/** `regs`: what to put back. `none`: a comparison that failed, whose store changes nothing and can be left out. */
export type LockedUndo = { readonly kind: 'undo'; readonly regs: Partial<GeneralRegisters> } | { readonly kind: 'none' };

/**
 * For the instruction that ends at the pc; `codeBefore` gives the bytes before the pc, fewer where they cannot be read.
 * Undefined where it does not lock, or cannot be undone.
 */
export function undoLocked(codeBefore: (length: number) => Uint8Array, cpu: AccessState, store: PendingStore): LockedUndo | undefined {
  for (let length = SHORTEST; length <= LONGEST_INSTRUCTION; length++) {
    const code = codeBefore(length);
    if (code.length < length) return undefined;
    const rip = BigInt.asUintN(cpu.mode.operandBits === 64 ? 64 : 32, cpu.regs.rip - BigInt(length));
    const decoded = decode(code, cpu.mode.operandBits, linearPc(cpu.sregs, rip, cpu.mode));
    if (decoded?.length !== length || !decoded.isLocked || NOT_UNDONE.has(decoded.mnemonic)) continue;
    const regs = { rip, ...registersBefore(decoded, cpu.regs, store.value) };
    const before = accessesOf(code, { ...cpu, regs: { ...cpu.regs, ...regs } });
    // A shorter instruction may end at the pc too, as one without its REX prefix does.
    const fits = (size: number): boolean => size === store.size || (decoded.exchanged === undefined && size > store.size);
    if (before?.accesses.some(({ linear, size, write }) => write && fits(size) && store.isAt(linear)) !== true) continue;
    if (COMPARES.has(decoded.mnemonic) && (cpu.regs.rflags & RFLAGS_ZF) === 0n) return { kind: 'none' };
    return { kind: 'undo', regs };
  }
  return undefined;
}

/** XADD and XCHG have put into a register what memory held. */
function registersBefore({ mnemonic, exchanged }: DecodedInstruction, regs: Readonly<GeneralRegisters>, value: bigint): Partial<GeneralRegisters> {
  if (exchanged === undefined) return {};
  const { register, size, shift } = exchanged;
  const held = (regs[register] >> BigInt(shift)) & mask(size);
  const before = (mnemonic === 'xadd' ? value - held : value) & mask(size);
  return { [register]: withPart(regs[register], exchanged, before) };
}

function withPart(all: bigint, { size, shift }: RegisterPart, part: bigint): bigint {
  if (size >= 4) return part;
  return (all & ~(mask(size) << BigInt(shift))) | (part << BigInt(shift));
}

function mask(size: number): bigint {
  return (1n << BigInt(8 * size)) - 1n;
}
