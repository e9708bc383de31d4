/**
 * The opcodes of agent expressions (gdb manual, appendix "The GDB Agent Expression Mechanism", node "Bytecode
 * Descriptions"): name, operand, and what each does to the stack. Numbers are the ones on the wire.
 */

export const enum Op {
  Add = 0x02,
  Sub = 0x03,
  Mul = 0x04,
  DivSigned = 0x05,
  DivUnsigned = 0x06,
  RemSigned = 0x07,
  RemUnsigned = 0x08,
  Lsh = 0x09,
  RshSigned = 0x0a,
  RshUnsigned = 0x0b,
  LogNot = 0x0e,
  BitAnd = 0x0f,
  BitOr = 0x10,
  BitXor = 0x11,
  BitNot = 0x12,
  Equal = 0x13,
  LessSigned = 0x14,
  LessUnsigned = 0x15,
  Ext = 0x16,
  Ref8 = 0x17,
  Ref16 = 0x18,
  Ref32 = 0x19,
  Ref64 = 0x1a,
  IfGoto = 0x20,
  Goto = 0x21,
  Const8 = 0x22,
  Const16 = 0x23,
  Const32 = 0x24,
  Const64 = 0x25,
  Reg = 0x26,
  End = 0x27,
  Dup = 0x28,
  Pop = 0x29,
  ZeroExt = 0x2a,
  Swap = 0x2b,
  Pick = 0x32,
  Rot = 0x33,
  Printf = 0x34,
}

/** What decoding needs to know of an opcode that is carried out. */
export interface Opcode {
  readonly name: string;
  /** Bytes of the operand, big-endian; `printf` has more, which the decoder reads itself. */
  readonly operand: number;
  /** Values taken from the stack and put there; `pick` needs, and `printf` takes, as many more as its operand says. */
  readonly pops: number;
  readonly pushes: number;
}

function opcode(name: string, pops: number, pushes: number, operand = 0): Opcode {
  return { name, operand, pops, pushes };
}

export const OPCODES: ReadonlyMap<number, Opcode> = new Map<number, Opcode>([
  [Op.Add, opcode('add', 2, 1)],
  [Op.Sub, opcode('sub', 2, 1)],
  [Op.Mul, opcode('mul', 2, 1)],
  [Op.DivSigned, opcode('div_signed', 2, 1)],
  [Op.DivUnsigned, opcode('div_unsigned', 2, 1)],
  [Op.RemSigned, opcode('rem_signed', 2, 1)],
  [Op.RemUnsigned, opcode('rem_unsigned', 2, 1)],
  [Op.Lsh, opcode('lsh', 2, 1)],
  [Op.RshSigned, opcode('rsh_signed', 2, 1)],
  [Op.RshUnsigned, opcode('rsh_unsigned', 2, 1)],
  [Op.LogNot, opcode('log_not', 1, 1)],
  [Op.BitAnd, opcode('bit_and', 2, 1)],
  [Op.BitOr, opcode('bit_or', 2, 1)],
  [Op.BitXor, opcode('bit_xor', 2, 1)],
  [Op.BitNot, opcode('bit_not', 1, 1)],
  [Op.Equal, opcode('equal', 2, 1)],
  [Op.LessSigned, opcode('less_signed', 2, 1)],
  [Op.LessUnsigned, opcode('less_unsigned', 2, 1)],
  [Op.Ext, opcode('ext', 1, 1, 1)],
  [Op.Ref8, opcode('ref8', 1, 1)],
  [Op.Ref16, opcode('ref16', 1, 1)],
  [Op.Ref32, opcode('ref32', 1, 1)],
  [Op.Ref64, opcode('ref64', 1, 1)],
  [Op.IfGoto, opcode('if_goto', 1, 0, 2)],
  [Op.Goto, opcode('goto', 0, 0, 2)],
  [Op.Const8, opcode('const8', 0, 1, 1)],
  [Op.Const16, opcode('const16', 0, 1, 2)],
  [Op.Const32, opcode('const32', 0, 1, 4)],
  [Op.Const64, opcode('const64', 0, 1, 8)],
  [Op.Reg, opcode('reg', 0, 1, 2)],
  [Op.End, opcode('end', 0, 0)],
  [Op.Dup, opcode('dup', 1, 2)],
  [Op.Pop, opcode('pop', 1, 0)],
  [Op.ZeroExt, opcode('zero_ext', 1, 1, 1)],
  [Op.Swap, opcode('swap', 2, 2)],
  [Op.Pick, opcode('pick', 1, 2, 1)],
  [Op.Rot, opcode('rot', 3, 3)],
  [Op.Printf, opcode('printf', 2, 0, 3)],
]);

const FLOAT = 'floating point is not evaluated here';
const TRACING = 'trace data is not collected here';
const VARIABLE = 'there are no trace state variables here';

/** Opcodes that the manual has and that are not carried out: name and why. */
export const REFUSED_OPCODES: ReadonlyMap<number, readonly [name: string, why: string]> = new Map([
  [0x01, ['float', FLOAT]],
  [0x0c, ['trace', TRACING]],
  [0x0d, ['trace_quick', TRACING]],
  [0x1b, ['ref_float', FLOAT]],
  [0x1c, ['ref_double', FLOAT]],
  [0x1d, ['ref_long_double', FLOAT]],
  [0x1e, ['l_to_d', FLOAT]],
  [0x1f, ['d_to_l', FLOAT]],
  [0x2c, ['getv', VARIABLE]],
  [0x2d, ['setv', VARIABLE]],
  [0x2e, ['tracev', TRACING]],
  [0x2f, ['tracenz', TRACING]],
  [0x30, ['trace16', TRACING]],
]);
