/**
 * Runs checked agent expressions: a stack of 64-bit values, guest memory and registers, and at the end a value or the
 * reason why there is none (gdb manual, appendix "The GDB Agent Expression Mechanism"). This is on the path of every
 * arrival at a breakpoint with a condition.
 */
import type { Program } from './bytecode.js';
import { printFormat, type ReadMemory } from './format.js';
import { Op } from './opcodes.js';

/** Instructions of one evaluation. gdb makes loops of none; a longer one would hold up the guest and every client. */
export const MOST_STEPS = 10_000;

/** What an expression may look at: the processor that arrived at the breakpoint. */
export interface AgentContext {
  /** Linear address; comes back short where the readable bytes end. The bytes are copied before the next call. */
  readonly read: ReadMemory;
  /** Value of gdb's register number, unsigned; undefined for a number that is none, or a register of more than 64 bits. */
  register(regnum: number): bigint | undefined;
  /** Takes what `printf` prints. */
  print(text: string): void;
}

/** `value` is unsigned, the top of the stack at `end`; 0 for an expression that leaves nothing there. */
export type Evaluation =
  | { readonly value: bigint; readonly failure?: undefined }
  /** Half a sentence: `it cannot read 4 bytes at 0x1000`. */
  | { readonly value?: undefined; readonly failure: string };

const ALL_BITS = 0xffff_ffff_ffff_ffffn;
const DIVISION: Evaluation = { failure: 'it divides by zero' };
const TOO_LONG: Evaluation = { failure: `it is not done after ${MOST_STEPS} steps` };

const unsigned = (value: bigint): bigint => BigInt.asUintN(64, value);
const signed = (value: bigint): bigint => BigInt.asIntN(64, value);
const truth = (condition: boolean): bigint => (condition ? 1n : 0n);

/** Never throws, but for what `context` throws; ends after `MOST_STEPS` at the latest. */
export function evaluate(program: Program, context: AgentContext): Evaluation {
  const { instructions, unsupported } = program;
  if (unsupported !== undefined) return { failure: unsupported };
  const stack = new Array<bigint>(program.stackSize);
  // The values on the stack; the decoder has checked that no instruction finds too few, or room for too few.
  let height = 0;
  let next = 0;
  for (let steps = 0; steps < MOST_STEPS; steps++) {
    const { op, operand, constant, format } = instructions[next++];
    switch (op) {
      case Op.Const8:
      case Op.Const16:
      case Op.Const32:
      case Op.Const64:
        stack[height++] = constant;
        break;
      case Op.Reg: {
        const value = context.register(operand);
        if (value === undefined) return { failure: `it reads register ${operand}, which is none of at most 64 bits` };
        stack[height++] = value;
        break;
      }
      case Op.Ref8:
      case Op.Ref16:
      case Op.Ref32:
      case Op.Ref64: {
        const address = stack[height - 1];
        const length = 1 << (op - Op.Ref8);
        const bytes = context.read(address, length);
        if (bytes.length < length) return { failure: `it cannot read ${length} byte${length === 1 ? '' : 's'} at 0x${address.toString(16)}` };
        stack[height - 1] = littleEndian(bytes, length);
        break;
      }
      case Op.Ext:
        if (operand < 64) stack[height - 1] = unsigned(BigInt.asIntN(operand, stack[height - 1]));
        break;
      case Op.ZeroExt:
        if (operand < 64) stack[height - 1] = BigInt.asUintN(operand, stack[height - 1]);
        break;
      case Op.LogNot:
        stack[height - 1] = truth(stack[height - 1] === 0n);
        break;
      case Op.BitNot:
        stack[height - 1] ^= ALL_BITS;
        break;
      case Op.IfGoto:
        if (stack[--height] !== 0n) next = operand;
        break;
      case Op.Goto:
        next = operand;
        break;
      case Op.End:
        return { value: height > 0 ? stack[height - 1] : 0n };
      case Op.Dup:
        stack[height] = stack[height - 1];
        height++;
        break;
      case Op.Pop:
        height--;
        break;
      case Op.Pick:
        stack[height] = stack[height - 1 - operand];
        height++;
        break;
      case Op.Swap: {
        const top = stack[height - 1];
        stack[height - 1] = stack[height - 2];
        stack[height - 2] = top;
        break;
      }
      case Op.Rot: {
        // As gdbserver does it: a b c becomes c a b.
        const top = stack[height - 1];
        stack[height - 1] = stack[height - 2];
        stack[height - 2] = stack[height - 3];
        stack[height - 3] = top;
        break;
      }
      case Op.Printf: {
        // On top the function and channel of `set dprintf-function`, which mean nothing here, then the first argument.
        height -= 2;
        const values: bigint[] = [];
        for (let i = 0; i < operand; i++) values.push(stack[--height]);
        const printed = format === undefined ? { text: '' } : printFormat(format, values, context.read);
        if (printed.failure !== undefined) return printed;
        context.print(printed.text);
        break;
      }
      default: {
        const right = stack[--height];
        const result = combine(op, stack[height - 1], right);
        if (result === undefined) return DIVISION;
        stack[height - 1] = result;
      }
    }
  }
  return TOO_LONG;
}

/** The instructions that make one value of two. Undefined: a division by zero. */
function combine(op: Op, left: bigint, right: bigint): bigint | undefined {
  switch (op) {
    case Op.Add: return unsigned(left + right);
    case Op.Sub: return unsigned(left - right);
    case Op.Mul: return unsigned(left * right);
    case Op.DivSigned: return right === 0n ? undefined : unsigned(signed(left) / signed(right));
    case Op.DivUnsigned: return right === 0n ? undefined : left / right;
    case Op.RemSigned: return right === 0n ? undefined : unsigned(signed(left) % signed(right));
    case Op.RemUnsigned: return right === 0n ? undefined : left % right;
    // More than 63 bits would be a number of any size; nothing, or nothing but the sign, is left of 64 bits.
    case Op.Lsh: return right > 63n ? 0n : unsigned(left << right);
    case Op.RshSigned: return unsigned(signed(left) >> (right > 63n ? 63n : right));
    case Op.RshUnsigned: return right > 63n ? 0n : left >> right;
    case Op.BitAnd: return left & right;
    case Op.BitOr: return left | right;
    case Op.BitXor: return left ^ right;
    case Op.Equal: return truth(left === right);
    case Op.LessSigned: return truth(signed(left) < signed(right));
    case Op.LessUnsigned: return truth(left < right);
    default: throw new Error(`opcode 0x${op.toString(16)} passed the decoder`);
  }
}

/** 1, 2, 4 or 8 bytes, unsigned. */
function littleEndian(bytes: Uint8Array, length: number): bigint {
  if (length === 1) return BigInt(bytes[0]);
  const low = bytes[0] | bytes[1] << 8;
  if (length === 2) return BigInt(low);
  const word = (low | bytes[2] << 16 | bytes[3] << 24) >>> 0;
  if (length === 4) return BigInt(word);
  return BigInt(word) | BigInt((bytes[4] | bytes[5] << 8 | bytes[6] << 16 | bytes[7] << 24) >>> 0) << 32n;
}
