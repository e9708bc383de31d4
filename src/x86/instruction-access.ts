/**
 * Which linear bytes the next instruction reads and writes, asked before it is stepped.
 *
 * What is counted is what the instruction does with data: operands and stack. Not counted is what the processor reads
 * and writes on its own behalf: the fetch of the code, page tables, descriptor tables, the TSS, the IDT and IVT, shadow
 * stacks, the frame of a fault or of INT n outside real mode, and the further stack slots of a return to an outer
 * privilege level. A conditional access counts as made (CMPXCHG's write, a masked store, INTO's frame), and one to a
 * partly used area as made in whole. An instruction that faults has made fewer accesses than said, or none.
 */
import type { CpuMode } from './cpu-mode.js';
import { linearPc } from './cpu-mode.js';
import type { GeneralRegisters, SystemRegisters } from './cpu-state.js';
import { decode, type CodeBits, type DecodedInstruction, type MemoryOperand } from './instruction-decode.js';
import type { InstructionKind } from './instruction-kind.js';
import { laneIndices, type VectorLanes, type VectorState } from './vector-lanes.js';
import { XSAVE_MINIMUM_SIZE, type XsaveLayout } from './xsave.js';

export interface MemoryAccess {
  readonly linear: bigint;
  /** In bytes; never beyond the last linear address: what wraps around is a second access. */
  readonly size: number;
  readonly read: boolean;
  readonly write: boolean;
}

export interface Instruction {
  /** In bytes, prefixes included. */
  readonly length: number;
  /** In lower case, without prefixes: `movsb`. */
  readonly mnemonic: string;
  readonly kind: InstructionKind;
  /** A string instruction with a REP prefix: a step may carry out one iteration, several, or all of them. */
  readonly isRepeated: boolean;
  /**
   * A tile, whose place and size are in registers that are not looked at; a gather or scatter without `AccessState.xsave`.
   * The one access is an upper bound, the whole of linear memory.
   */
  readonly isScattered: boolean;
  readonly accesses: readonly MemoryAccess[];
}

/** The processor before the instruction. `Vcpu` gives all of it without an ioctl, but for `xsave`. */
export interface AccessState {
  readonly regs: Readonly<GeneralRegisters>;
  readonly sregs: Pick<SystemRegisters, 'cs' | 'ds' | 'es' | 'fs' | 'gs' | 'ss'>;
  readonly mode: CpuMode;
  /**
   * For the size of an XSAVE area; without it, that of the legacy region and header alone is assumed. And for the lanes of
   * gathers and scatters. Members may be getters: each is asked for only where an instruction needs it.
   */
  readonly xsave?: { readonly xcr0: bigint; readonly layout: XsaveLayout; readonly area: Uint8Array };
}

const MASK16 = 0xffffn;
const MASK32 = 0xffff_ffffn;
const MASK64 = (1n << 64n) - 1n;
const RFLAGS_DF = 1n << 10n;
const CACHE_LINE = 64;
/** IP, CS and FLAGS, 2 bytes each, the last pushed first (SDM vol. 3, 20.1.4). */
const REAL_MODE_FRAME_SLOTS = [-2n, -4n, -6n];

function maskOf(bits: CodeBits): bigint {
  return bits === 16 ? MASK16 : bits === 32 ? MASK32 : MASK64;
}

/**
 * The instruction at the pc, whose bytes `code` begins with (up to 15 of them; fewer if what follows cannot be read).
 * Undefined if they are no instruction or not the whole of one.
 *
 * `iterations`: how many iterations of a REP string instruction the caller's step may carry out; the accesses are those
 * of so many, or of rCX where that is less. A comparison that ends the loop sooner is not foreseen.
 *
 * A decoded instruction is kept: the next call for the same address and bytes takes less than a microsecond.
 */
export function accessesOf(code: Uint8Array, cpu: AccessState, iterations = 1): Instruction | undefined {
  const { regs, sregs, mode } = cpu;
  const decoded = decode(code, mode.operandBits, linearPc(sregs, regs.rip, mode));
  if (decoded === undefined) return undefined;
  const { length, mnemonic, kind, isRepeated } = decoded;
  const isScattered = decoded.isScattered || (decoded.lanes !== undefined && cpu.xsave === undefined);
  const accesses = isScattered ? everywhere(decoded, cpu) : dataAccesses(decoded, cpu, iterations);
  if (kind === 'int' && mode.usesParagraphs && mode.name !== 'vm86') {
    for (const slot of REAL_MODE_FRAME_SLOTS) {
      const offset = (regs.rsp + slot) & maskOf(addressBits('stack', cpu));
      addRange(accesses, cpu, linearOf('ss', offset, cpu), 2, false, true);
    }
  }
  return { length, mnemonic, kind, isRepeated, isScattered, accesses };
}

function dataAccesses(decoded: DecodedInstruction, cpu: AccessState, iterations: number): MemoryAccess[] {
  const accesses: MemoryAccess[] = [];
  for (const operand of decoded.operands) {
    if (decoded.lanes !== undefined && cpu.xsave !== undefined) {
      addLanes(accesses, operand, decoded.lanes, cpu, cpu.xsave);
    } else if (decoded.isRepeated) {
      addElements(accesses, operand, cpu, iterations);
    } else {
      const size = sizeOf(operand, cpu);
      let offset = offsetOf(operand, cpu);
      if (operand.size === 'cache-line') offset -= offset % BigInt(CACHE_LINE);
      addRange(accesses, cpu, linearOf(operand.segment, offset, cpu), size, operand.read, operand.write);
    }
  }
  return accesses;
}

/** One element for each lane that counts. */
function addLanes(into: MemoryAccess[], operand: MemoryOperand, lanes: VectorLanes, cpu: AccessState, vectors: VectorState): void {
  const mask = maskOf(addressBits(operand.addressBits, cpu));
  const base = offsetOf(operand, cpu);
  for (const index of laneIndices(lanes, vectors)) {
    addRange(into, cpu, linearOf(operand.segment, (base + index * operand.scale) & mask, cpu), sizeOf(operand, cpu), operand.read, operand.write);
  }
}

/** The elements of a REP string instruction: a range for as long as the address does not wrap around. */
function addElements(into: MemoryAccess[], operand: MemoryOperand, cpu: AccessState, iterations: number): void {
  const mask = maskOf(addressBits(operand.addressBits, cpu));
  const size = BigInt(sizeOf(operand, cpu));
  const down = (cpu.regs.rflags & RFLAGS_DF) !== 0n;
  const count = cpu.regs.rcx & mask;
  let left = count < BigInt(iterations) ? count : BigInt(iterations);
  let first = offsetOf(operand, cpu);
  while (left > 0n) {
    const room = down ? first / size + 1n : (mask - first) / size + 1n;
    const run = left < room ? left : room;
    const lowest = down ? first - (run - 1n) * size : first;
    addRange(into, cpu, linearOf(operand.segment, lowest, cpu), Number(run * size), operand.read, operand.write);
    first = (down ? first - run * size : first + run * size) & mask;
    left -= run;
  }
}

function addressBits(bits: MemoryOperand['addressBits'], { sregs, mode }: AccessState): CodeBits {
  if (bits !== 'stack') return bits;
  if (mode.operandBits === 64) return 64;
  return sregs.ss.db !== 0 ? 32 : 16;
}

/** The offset in the segment, modulo the address size. */
function offsetOf(operand: MemoryOperand, cpu: AccessState): bigint {
  const { regs } = cpu;
  let offset = operand.displacement;
  if (operand.base !== undefined) offset += regs[operand.base];
  if (operand.index !== undefined) offset += (regs[operand.index] & operand.indexMask) * operand.scale;
  if (operand.bitOffset !== undefined && typeof operand.size === 'number') {
    const bits = 8 * operand.size;
    const whole = BigInt.asIntN(bits, regs[operand.bitOffset]) >> BigInt(Math.log2(bits));
    offset += whole * BigInt(operand.size);
  }
  return offset & maskOf(addressBits(operand.addressBits, cpu));
}

/** In 64-bit mode FS and GS alone have a base; elsewhere linear addresses have 32 bits (SDM vol. 1, 3.3.4). */
function linearOf(segment: MemoryOperand['segment'], offset: bigint, { sregs, mode }: AccessState): bigint {
  if (mode.operandBits !== 64) return (sregs[segment].base + offset) & MASK32;
  return segment === 'fs' || segment === 'gs' ? (sregs[segment].base + offset) & MASK64 : offset;
}

function sizeOf({ size }: MemoryOperand, { regs, xsave }: AccessState): number {
  if (size === 'cache-line') return CACHE_LINE;
  if (size !== 'xsave') return size;
  // The standard form: the compacted one of XSAVEC and XSAVES is not longer for the same components.
  let end = XSAVE_MINIMUM_SIZE;
  if (xsave === undefined) return end;
  const wanted = xsave.xcr0 & (((regs.rdx & MASK32) << 32n) | (regs.rax & MASK32));
  for (const [component, { offset, size: bytes }] of xsave.layout) {
    if (((wanted >> BigInt(component)) & 1n) !== 0n) end = Math.max(end, offset + bytes);
  }
  return end;
}

function addRange(
  into: MemoryAccess[], { mode }: AccessState, linear: bigint, size: number, read: boolean, write: boolean,
): void {
  const room = (mode.operandBits === 64 ? MASK64 : MASK32) - linear + 1n;
  if (room >= BigInt(size)) {
    into.push({ linear, size, read, write });
  } else {
    into.push({ linear, size: Number(room), read, write }, { linear: 0n, size: size - Number(room), read, write });
  }
}

function everywhere({ operands }: DecodedInstruction, { mode }: AccessState): MemoryAccess[] {
  return [{
    linear: 0n,
    size: mode.operandBits === 64 ? 2 ** 64 : 2 ** 32,
    read: operands.some(({ read }) => read),
    write: operands.some(({ write }) => write),
  }];
}
