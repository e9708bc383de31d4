/**
 * Agent expressions: bytes to a checked program. Everything that can be known before the expression runs is checked
 * here (opcodes, operands, jump targets, how high the stack stands at each instruction), so that the evaluator only
 * meets what depends on the guest.
 */
import { TargetError } from '../../target.js';
import { parseFormat, UnsupportedError, type Format } from './format.js';
import { Op, OPCODES, REFUSED_OPCODES, type Opcode } from './opcodes.js';

/** Jumps have 16-bit targets, so nothing of use is longer. */
const MOST_BYTES = 0xffff;
/** Values on the stack; gdbserver's limit too. */
const MOST_VALUES = 100;

/** One instruction. All have all fields, so that the evaluator's access stays fast. */
export interface Instruction {
  readonly op: Op;
  /** Index of the instruction jumped to, bits of an extension, register number, or depth of `pick`. */
  readonly operand: number;
  /** Of `const8` to `const64`. */
  readonly constant: bigint;
  /** Of `printf`. */
  readonly format: Format | undefined;
}

/** An expression that is safe to run: only memory, registers, divisors and its length in steps can still fail it. */
export interface Program {
  readonly instructions: readonly Instruction[];
  /** Values that the stack must have room for. */
  readonly stackSize: number;
  /** Every `end` that can be reached has a value on the stack. */
  readonly hasValue: boolean;
  /**
   * Half a sentence on what it needs that there is not here; each evaluation fails with it. Not refused at once: gdb
   * says of a refused breakpoint no more than that it cannot be inserted, and evaluates a condition itself at each stop.
   */
  readonly unsupported?: string;
}

/** Where an instruction stands in the bytes, beside what the evaluator needs. */
interface Placed {
  readonly instruction: Instruction;
  readonly opcode: Opcode;
  readonly offset: number;
}

/** A program from its bytes. Throws TargetError with one sentence when it is not a valid one. */
export function decodeProgram(bytes: Uint8Array): Program {
  try {
    return decode(bytes);
  } catch (error) {
    if (error instanceof UnsupportedError) return { instructions: [], stackSize: 0, hasValue: true, unsupported: error.message };
    throw error;
  }
}

function decode(bytes: Uint8Array): Program {
  if (bytes.length === 0) throw new TargetError('The agent expression is empty.');
  if (bytes.length > MOST_BYTES) throw new TargetError(`The agent expression is longer than ${MOST_BYTES} bytes.`);
  const placed: Placed[] = [];
  const indexAt = new Map<number, number>();
  for (let offset = 0; offset < bytes.length;) {
    indexAt.set(offset, placed.length);
    const { next, ...instruction } = decodeInstruction(bytes, offset);
    placed.push(instruction);
    offset = next;
  }
  const resolved = placed.map((each) => resolveJump(each, indexAt));
  return { instructions: resolved.map(({ instruction }) => instruction), ...checkStack(resolved) };
}

/** As `decodeProgram`, for an expression whose value is wanted. */
export function decodeCondition(bytes: Uint8Array): Program {
  const program = decodeProgram(bytes);
  if (!program.hasValue) throw new TargetError('The agent expression of the condition ends without a value.');
  return program;
}

function decodeInstruction(bytes: Uint8Array, offset: number): Placed & { readonly next: number } {
  const op: Op = bytes[offset];
  const opcode = OPCODES.get(op);
  if (opcode === undefined) throw refusal(op, offset);
  const next = offset + 1 + opcode.operand;
  if (next > bytes.length) throw new TargetError(`The agent expression ends inside the operand of ${at(opcode, offset)}.`);
  const operands = bytes.subarray(offset + 1, next);
  if (op === Op.Printf) return decodePrintf(bytes, offset, opcode);
  let constant = 0n;
  for (const byte of operands) constant = (constant << 8n) | BigInt(byte);
  if (op === Op.Ext && constant === 0n) throw new TargetError(`The agent expression extends a value of no bits (${at(opcode, offset)}).`);
  const operand = opcode.operand <= 2 ? Number(constant) : 0;
  return { instruction: { op, operand, constant, format: undefined }, opcode, offset, next };
}

/** `printf`: a byte for the number of arguments, two for the length of the format, and the format with its zero byte. */
function decodePrintf(bytes: Uint8Array, offset: number, opcode: Opcode): Placed & { readonly next: number } {
  const count = bytes[offset + 1];
  const start = offset + 4;
  const next = start + (bytes[offset + 2] << 8 | bytes[offset + 3]);
  if (next > bytes.length) throw new TargetError(`The agent expression ends inside the format of ${at(opcode, offset)}.`);
  if (next === start || bytes[next - 1] !== 0) throw new TargetError(`The format of ${at(opcode, offset)} does not end with a zero byte.`);
  const format = parseFormat(bytes.subarray(start, next - 1));
  if (format.argumentCount !== count) {
    throw new UnsupportedError(`the format of ${at(opcode, offset)} takes ${format.argumentCount} values and gets ${count}`);
  }
  const instruction: Instruction = { op: Op.Printf, operand: count, constant: 0n, format };
  return { instruction, opcode: { ...opcode, pops: opcode.pops + count }, offset, next };
}

function refusal(op: number, offset: number): Error {
  const where = `opcode 0x${op.toString(16).padStart(2, '0')} at offset ${offset}`;
  const known = REFUSED_OPCODES.get(op);
  if (known !== undefined) return new UnsupportedError(`it uses ${known[0]} (${where}), and ${known[1]}`);
  return new TargetError(`The agent expression has an unknown ${where}.`);
}

function at({ name }: Opcode, offset: number): string {
  return `${name} at offset ${offset}`;
}

/** Turns the byte offset that a jump names into the index of an instruction. */
function resolveJump(placed: Placed, indexAt: ReadonlyMap<number, number>): Placed {
  const { instruction, opcode, offset } = placed;
  if (instruction.op !== Op.Goto && instruction.op !== Op.IfGoto) return placed;
  const index = indexAt.get(instruction.operand);
  if (index === undefined) {
    throw new TargetError(`The agent expression jumps to offset ${instruction.operand}, where no instruction begins (${at(opcode, offset)}).`);
  }
  return { opcode, offset, instruction: { ...instruction, operand: index } };
}

/** Follows every path and works out how high the stack stands; each instruction must always find it at one height. */
function checkStack(placed: readonly Placed[]): { stackSize: number; hasValue: boolean } {
  const heights = new Array<number | undefined>(placed.length);
  const waiting: { readonly index: number; readonly height: number }[] = [{ index: 0, height: 0 }];
  let stackSize = 0;
  let hasValue = true;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { index, height } = next;
    if (index >= placed.length) throw new TargetError('The agent expression runs past its last byte without an end.');
    const { instruction: { op, operand }, opcode, offset } = placed[index];
    if (heights[index] === height) continue;
    if (heights[index] !== undefined) {
      throw new TargetError(`The agent expression reaches ${at(opcode, offset)} with ${heights[index]} and with ${height} values on the stack.`);
    }
    heights[index] = height;
    const needed = op === Op.Pick ? operand + 1 : opcode.pops;
    if (height < needed) {
      throw new TargetError(`The agent expression has ${height} values on the stack where ${at(opcode, offset)} needs ${needed}.`);
    }
    const after = height - opcode.pops + opcode.pushes;
    if (after > MOST_VALUES) throw new TargetError(`The agent expression puts more than ${MOST_VALUES} values on the stack (${at(opcode, offset)}).`);
    stackSize = Math.max(stackSize, after);
    if (op === Op.End) hasValue &&= height > 0;
    else if (op === Op.Goto) waiting.push({ index: operand, height: after });
    else {
      waiting.push({ index: index + 1, height: after });
      if (op === Op.IfGoto) waiting.push({ index: operand, height: after });
    }
  }
  return { stackSize, hasValue };
}
