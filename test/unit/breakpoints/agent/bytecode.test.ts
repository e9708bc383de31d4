import test from 'tape';
import { decodeCondition, decodeProgram, type Program } from '../../../../src/breakpoints/agent/bytecode.js';
import { evaluate } from '../../../../src/breakpoints/agent/evaluate.js';
import { TargetError } from '../../../../src/target.js';
import { bytes, Guest, printf } from './expressions.js';

/** Each must be refused with a sentence that matches. */
const INVALID: readonly (readonly [name: string, code: string, sentence: RegExp])[] = [
  ['empty', '', /^The agent expression is empty\.$/],
  ['opcode 0', '00', /^The agent expression has an unknown opcode 0x00 at offset 0\.$/],
  ['opcode 0x31', '2201 31 27', /unknown opcode 0x31 at offset 2\.$/],
  ['opcode 0x35', '35', /unknown opcode 0x35/],
  ['opcode 0xff', '2201 ff', /unknown opcode 0xff at offset 2/],
  ['half a const64', '25000000 27', /^The agent expression ends inside the operand of const64 at offset 0\.$/],
  ['half a goto', '2100', /ends inside the operand of goto/],
  ['half a reg', '26', /ends inside the operand of reg/],
  ['half an ext', '2201 16', /ends inside the operand of ext/],
  ['ext 0', '2201 1600 27', /^The agent expression extends a value of no bits \(ext at offset 2\)\.$/],
  ['no end', '2201', /^The agent expression runs past its last byte without an end\.$/],
  ['no end on one path', '2201 20 0006 27 2201', /runs past its last byte/],
  ['a jump past the end', '21 0004 27', /^The agent expression jumps to offset 4, where no instruction begins \(goto at offset 0\)\.$/],
  ['a jump into an operand', '21 0004 2201 27', /jumps to offset 4, where no instruction begins/],
  ['an unreachable jump to nowhere', '27 21 ffff', /jumps to offset 65535/],
  ['add of one', '2201 02 27', /^The agent expression has 1 values on the stack where add at offset 2 needs 2\.$/],
  ['pop of none', '29 27', /has 0 values on the stack where pop at offset 0 needs 1/],
  ['if_goto of none', '20 0000 27', /where if_goto at offset 0 needs 1/],
  ['swap of one', '2201 2b 27', /where swap at offset 2 needs 2/],
  ['rot of two', '2201 2202 33 27', /where rot at offset 4 needs 3/],
  ['pick 1 of one', '2201 3201 27', /where pick at offset 2 needs 2/],
  ['ref of none', '17 27', /where ref8 at offset 0 needs 1/],
  ['a loop that grows', '2201 21 0000', /^The agent expression reaches const8 at offset 0 with 0 and with 1 values on the stack\.$/],
  ['two ways with different heights', '2201 20 0007 2202 27', /reaches end at offset 7 with 0 and with 1|reaches end at offset 7 with 1 and with 0/],
  ['a hundred and one values', `${'2201'.repeat(101)}27`, /^The agent expression puts more than 100 values on the stack/],
  ['half a printf', '2200 2200 34', /ends inside the operand of printf/],
  ['a printf whose format is too short', '2200 2200 34 00 0009 41 00 27', /^The agent expression ends inside the format of printf at offset 4\.$/],
  ['a printf without a format', '2200 2200 34 00 0000 27', /^The format of printf at offset 4 does not end with a zero byte\.$/],
  ['a printf whose format is not ended', '2200 2200 34 00 0001 41 27', /does not end with a zero byte/],
  ['a printf without its function', '2200 34 00 0001 00 27', /has 1 values on the stack where printf at offset 2 needs 2/],
  ['a printf without its values', `2205 ${printf('%d %d', 2)} 27`, /needs 4/],
];

/** What is thrown at a decoder's caller. */
function refusal(decode: (code: Uint8Array) => Program, code: string): string {
  try {
    decode(bytes(code));
    return 'taken';
  } catch (error) {
    return error instanceof TargetError ? error.message : String(error);
  }
}

test('agent expressions: what is not valid is refused in one sentence', (t) => {
  for (const [name, code, sentence] of INVALID) t.match(refusal(decodeProgram, code), sentence, name);
  t.match(refusal(decodeCondition, '27'), /^The agent expression of the condition ends without a value\.$/);
  t.match(refusal(decodeCondition, '2201 20 0008 2205 27 27'), /without a value/, 'on one of two ways');
  t.equal(decodeProgram(bytes(`${printf('x', 0)} 27`)).hasValue, false, 'which is right for a command');
  t.equal(decodeCondition(bytes(`${'2201'.repeat(100)}27`)).stackSize, 100);
  t.end();
});

/** Each is taken, and fails when it is run. */
const UNSUPPORTED: readonly (readonly [name: string, code: string, why: RegExp])[] = [
  ...([
    ['float', '01'], ['ref_float', '1b'], ['ref_double', '1c'], ['ref_long_double', '1d'], ['l_to_d', '1e'], ['d_to_l', '1f'],
  ] as const).map(([name, code]) => [name, code, new RegExp(`^it uses ${name} \\(opcode 0x${code} at offset 2\\), and floating point`)] as const),
  ...([['trace', '0c'], ['trace_quick', '0d04'], ['tracev', '2e0001'], ['tracenz', '2f'], ['trace16', '300004']] as const)
    .map(([name, code]) => [name, code, new RegExp(`^it uses ${name} .*, and trace data is not collected here$`)] as const),
  ...([['getv', '2c0001'], ['setv', '2d0001']] as const)
    .map(([name, code]) => [name, code, new RegExp(`^it uses ${name} .*, and there are no trace state variables here$`)] as const),
  ['a printf of a float', printf('%f', 1), /^its format has "%f", and floating point is not printed here$/],
  ['a printf with too many values', printf('%d', 2), /^the format of printf at offset 6 takes 1 values and gets 2$/],
];

test('agent expressions: what is valid but not done here fails when it is run', (t) => {
  for (const [name, code, why] of UNSUPPORTED) {
    t.match(evaluate(decodeCondition(bytes(`2201 ${code} 27`)), new Guest()).failure ?? '', why, name);
  }
  t.end();
});
