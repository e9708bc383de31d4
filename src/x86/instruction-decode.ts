/**
 * From the bytes of an instruction to the memory operands it has, as far as they are known before the registers are.
 * The decoding is iced-x86's, which is loaded when it is first needed (docs/decisions/0010-instruction-decoder.md): it
 * takes 20 ms and more, and few sessions need it. What it says is kept as plain data, so that a loop is decoded once.
 */
import { createRequire } from 'node:module';
import type * as Iced from 'iced-x86';
import type { GeneralRegisterName } from './cpu-state.js';
import { kindOf, type InstructionKind } from './instruction-kind.js';
import type { VectorLanes } from './vector-lanes.js';

/** No instruction is longer (SDM vol. 2, 2.3.11). */
export const LONGEST_INSTRUCTION = 15;

export type CodeBits = 16 | 32 | 64;
export type OperandSegment = 'cs' | 'ds' | 'es' | 'fs' | 'gs' | 'ss';

/** Address = segment base + (base + index * scale + displacement) modulo the address size. */
export interface MemoryOperand {
  readonly segment: OperandSegment;
  readonly base?: GeneralRegisterName;
  readonly index?: GeneralRegisterName;
  /** The part of the index that counts: XLAT adds AL alone. */
  readonly indexMask: bigint;
  readonly scale: bigint;
  readonly displacement: bigint;
  /** `stack`: as wide as the stack pointer is, which SS.B says and the code does not. */
  readonly addressBits: CodeBits | 'stack';
  /**
   * In bytes, of one element for a string instruction. `xsave`: what XCR0 and EDX:EAX make of it; `cache-line`: the 64
   * bytes around the address.
   */
  readonly size: number | 'xsave' | 'cache-line';
  readonly read: boolean;
  readonly write: boolean;
  /** BT, BTS, BTR and BTC: this register, signed, moves the operand by whole operands (SDM vol. 1, 3.1.1.9). */
  readonly bitOffset?: GeneralRegisterName;
}

/** A general register, or some bytes of it. */
export interface RegisterPart {
  readonly register: GeneralRegisterName;
  /** In bytes. */
  readonly size: number;
  /** In bits: 8 for AH, CH, DH and BH. */
  readonly shift: 0 | 8;
}

export interface DecodedInstruction {
  /** In bytes, prefixes included. */
  readonly length: number;
  /** In lower case: `movsb`. */
  readonly mnemonic: string;
  readonly kind: InstructionKind;
  /** MOVS, CMPS, STOS, LODS, SCAS, INS or OUTS: RSI and RDI move. */
  readonly isString: boolean;
  /** With a REP prefix that counts, on a string instruction. */
  readonly isRepeated: boolean;
  /** With a LOCK prefix, or XCHG with memory, which locks without. */
  readonly isLocked: boolean;
  /** Of XADD and XCHG with memory: what takes the value that memory had. */
  readonly exchanged?: RegisterPart;
  /** Tiles: where they go is in registers and sizes that are not looked at. */
  readonly isScattered: boolean;
  /** Gathers and scatters: the first operand is one element, and its index comes from these. */
  readonly lanes?: VectorLanes;
  readonly operands: readonly MemoryOperand[];
  /** Of a near JMP, Jcc or CALL that names its target: where it leads, as an offset in CS. */
  readonly target?: bigint;
}

interface CacheEntry {
  readonly bytes: Uint8Array;
  readonly decoded: DecodedInstruction;
}

/** Each entry takes some 500 bytes. */
const CACHE_LIMIT = 16_384;
const CACHE: Readonly<Record<CodeBits, Map<bigint, CacheEntry>>> = { 16: new Map(), 32: new Map(), 64: new Map() };
const WHOLE_INDEX = (1n << 64n) - 1n;
/** They name an address and hand no data to anybody. */
const CACHE_HINTS: ReadonlySet<string> = new Set(['clflush', 'clflushopt', 'clwb', 'cldemote']);
const BIT_TESTS: ReadonlySet<string> = new Set(['bt', 'bts', 'btr', 'btc']);

let loaded: { readonly iced: typeof Iced; readonly infos: Iced.InstructionInfoFactory } | undefined;

function decoder(): NonNullable<typeof loaded> {
  if (loaded === undefined) {
    const iced = createRequire(import.meta.url)('iced-x86') as typeof Iced;
    loaded = { iced, infos: new iced.InstructionInfoFactory() };
  }
  return loaded;
}

function startsWith(code: Uint8Array, bytes: Uint8Array): boolean {
  if (code.length < bytes.length) return false;
  for (let index = 0; index < bytes.length; index++) if (code[index] !== bytes[index]) return false;
  return true;
}

/**
 * The instruction at the start of `code`, which is at linear address `pc`. Undefined if the bytes are no instruction,
 * or not the whole of one.
 */
export function decode(code: Uint8Array, bits: CodeBits, pc: bigint): DecodedInstruction | undefined {
  const cache = CACHE[bits];
  const known = cache.get(pc);
  if (known !== undefined && startsWith(code, known.bytes)) return known.decoded;
  const decoded = decodeAnew(code.subarray(0, LONGEST_INSTRUCTION), bits, pc);
  if (decoded === undefined) return undefined;
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(pc, { bytes: code.slice(0, decoded.length), decoded });
  return decoded;
}

function decodeAnew(code: Uint8Array, bits: CodeBits, pc: bigint): DecodedInstruction | undefined {
  const { iced, infos } = decoder();
  // Objects of the module live in its own memory until they are freed.
  const reader = new iced.Decoder(bits, code, iced.DecoderOptions.None);
  reader.ip = pc;
  const instruction = reader.decode();
  const info = infos.info(instruction);
  const used = info.usedMemory() as Iced.UsedMemory[];
  try {
    return instruction.isInvalid ? undefined : describe(iced, instruction, used, bits);
  } finally {
    for (const memory of used) memory.free();
    info.free();
    instruction.free();
    reader.free();
  }
}

function describe(
  iced: typeof Iced, instruction: Iced.Instruction, used: readonly Iced.UsedMemory[], bits: CodeBits,
): DecodedInstruction {
  const mnemonic = iced.Mnemonic[instruction.mnemonic].toLowerCase();
  const isString = instruction.isStringInstruction;
  const operands = CACHE_HINTS.has(mnemonic) ? [] : used.map((memory, at) => operand(iced, instruction, memory, at, bits));
  const form = iced.Code[instruction.code];
  if (mnemonic === 'clzero') operands.push(zeroedLine(form));
  return {
    length: instruction.length,
    mnemonic,
    kind: kindOf({
      mnemonic,
      form,
      isFar: instruction.isJmpFar || instruction.isJmpFarIndirect || instruction.isCallFar || instruction.isCallFarIndirect,
    }),
    isString,
    isRepeated: isString && (instruction.hasRepPrefix || instruction.hasRepnePrefix),
    ...locking(iced, instruction, mnemonic),
    isScattered: operands.some(({ size }) => size === 0),
    ...(instruction.isVsib && { lanes: lanesOf(iced, instruction) }),
    operands,
    ...((instruction.isJmpShortOrNear || instruction.isJccShortOrNear || instruction.isCallNear) && { target: instruction.nearBranchTarget }),
  };
}

function locking(
  { Register, RegisterExt, OpKind }: typeof Iced, instruction: Iced.Instruction, mnemonic: string,
): Pick<DecodedInstruction, 'isLocked' | 'exchanged'> {
  const exchanges = (mnemonic === 'xchg' || mnemonic === 'xadd') && instruction.op0Kind === OpKind.Memory;
  const isLocked = instruction.hasLockPrefix || (exchanges && mnemonic === 'xchg');
  if (!exchanges) return { isLocked };
  const register = instruction.op1Register;
  return {
    isLocked,
    exchanged: {
      register: Register[RegisterExt.fullRegister(register)].toLowerCase() as GeneralRegisterName,
      size: RegisterExt.size(register),
      shift: [Register.AH, Register.CH, Register.DH, Register.BH].includes(register) ? 8 : 0,
    },
  };
}

/** As many lanes as both the indices' register and the data's have; without a mask in the form, op 2 is the mask (AVX2). */
function lanesOf({ Register, RegisterExt, MemorySizeExt, OpKind }: typeof Iced, instruction: Iced.Instruction): VectorLanes {
  const indexSize = instruction.isVsib64 ? 8 : 4;
  const elementSize = MemorySizeExt.elementSize(instruction.memorySize);
  const isGather = instruction.op0Kind === OpKind.Register;
  const inIndex = RegisterExt.size(instruction.memoryIndex) / indexSize;
  return {
    // A prefetch has no register for data.
    count: instruction.opCount === 1 ? inIndex : Math.min(inIndex, RegisterExt.size(instruction.opRegister(isGather ? 0 : 1)) / elementSize),
    index: RegisterExt.number(instruction.memoryIndex),
    indexSize,
    mask: instruction.opMask !== Register.None
      ? { opmask: RegisterExt.number(instruction.opMask) }
      : { vector: RegisterExt.number(instruction.opRegister(2)), elementSize },
  };
}

function operand(
  iced: typeof Iced, instruction: Iced.Instruction, memory: Iced.UsedMemory, at: number, bits: CodeBits,
): MemoryOperand {
  const { Register, RegisterExt, OpAccess, MemorySize, OpKind } = iced;
  const name = (register: Iced.Register): GeneralRegisterName =>
    Register[RegisterExt.fullRegister(register)].toLowerCase() as GeneralRegisterName;
  const { base, index, access } = memory;
  const hasBase = base !== Register.None;
  const hasIndex = index !== Register.None && !instruction.isVsib;
  // A memory operand that is written out comes first; what a stack instruction has besides goes by SS and its size.
  const writtenOut = at === 0 && [...Array(instruction.opCount).keys()].some((op) => instruction.opKind(op) === OpKind.Memory);
  const onStack = instruction.isStackInstruction && !writtenOut;
  // With a REP prefix the decoder gives no size for the access, for it may be none.
  const memorySize = instruction.isStringInstruction ? instruction.memorySize : memory.memorySize;
  const size = memorySize === MemorySize.Xsave || memorySize === MemorySize.Xsave64 ? 'xsave' : iced.MemorySizeExt.size(memorySize);
  const addressRegister = hasBase ? base : index;
  const registerBits = hasBase || hasIndex ? (8 * RegisterExt.size(addressRegister)) as CodeBits : undefined;
  return {
    segment: Register[memory.segment].toLowerCase() as OperandSegment,
    ...(hasBase && { base: name(base) }),
    ...(hasIndex && { index: name(index) }),
    indexMask: hasIndex && RegisterExt.size(index) === 1 ? 0xffn : WHOLE_INDEX,
    scale: BigInt(memory.scale),
    displacement: registerBits === undefined ? memory.displacement : BigInt.asIntN(registerBits, memory.displacement),
    // Without a register the displacement is the whole offset, zero-extended by the decoder where it is shorter.
    addressBits: onStack ? 'stack' : registerBits ?? (bits === 64 ? 64 : 32),
    size,
    read: access === OpAccess.Read || access === OpAccess.CondRead || access === OpAccess.ReadWrite || access === OpAccess.ReadCondWrite,
    write: access !== OpAccess.Read && access !== OpAccess.CondRead,
    ...(BIT_TESTS.has(iced.Mnemonic[instruction.mnemonic].toLowerCase()) && instruction.opKind(1) === OpKind.Register &&
      { bitOffset: name(instruction.opRegister(1)) }),
  };
}

/** CLZERO's line, which the decoder does not list (APM vol. 3): at DS:rAX as wide as the address size. */
function zeroedLine(form: string): MemoryOperand {
  return {
    segment: 'ds', base: 'rax', indexMask: WHOLE_INDEX, scale: 1n, displacement: 0n, size: 'cache-line', read: false, write: true,
    addressBits: form.endsWith('q') ? 64 : form.endsWith('d') ? 32 : 16,
  };
}
