import test from 'tape';
import { decodeCondition, decodeProgram } from '../../../../src/breakpoints/agent/bytecode.js';
import { evaluate, MOST_STEPS } from '../../../../src/breakpoints/agent/evaluate.js';
import { TargetError } from '../../../../src/target.js';
import { constant, Guest, MEMORY_AT, run } from './expressions.js';
import { randomNumbers } from '../../../random-numbers.js';

const MAX = 0xffff_ffff_ffff_ffffn;
const MIN_SIGNED = 1n << 63n;

/** Two values, the opcode, and what it makes of them. */
const BINARY: readonly (readonly [name: string, left: bigint, right: bigint, opcode: string, result: bigint | RegExp])[] = [
  ['add', 2n, 3n, '02', 5n],
  ['add wraps', MAX, 2n, '02', 1n],
  ['sub', 2n, 3n, '03', MAX],
  ['mul', -2n, 3n, '04', BigInt.asUintN(64, -6n)],
  ['mul wraps', 1n << 63n, 2n, '04', 0n],
  ['div_signed', -7n, 2n, '05', BigInt.asUintN(64, -3n)],
  ['div_signed overflows', MIN_SIGNED, -1n, '05', MIN_SIGNED],
  ['div_signed by 0', 1n, 0n, '05', /divides by zero/],
  ['div_unsigned', -8n, 2n, '06', (MAX - 7n) / 2n],
  ['div_unsigned by 0', 1n, 0n, '06', /divides by zero/],
  ['rem_signed', -7n, 2n, '07', MAX],
  ['rem_signed by 0', 1n, 0n, '07', /divides by zero/],
  ['rem_unsigned', -7n, 10n, '08', (MAX - 6n) % 10n],
  ['rem_unsigned by 0', 1n, 0n, '08', /divides by zero/],
  ['lsh', 3n, 63n, '09', 1n << 63n],
  ['lsh by 64', 3n, 64n, '09', 0n],
  ['lsh by far too much', 3n, -1n, '09', 0n],
  ['rsh_signed', -8n, 1n, '0a', BigInt.asUintN(64, -4n)],
  ['rsh_signed by 64', -8n, 64n, '0a', MAX],
  ['rsh_unsigned', -8n, 60n, '0b', 15n],
  ['rsh_unsigned by 64', -8n, 64n, '0b', 0n],
  ['bit_and', 0b1100n, 0b1010n, '0f', 0b1000n],
  ['bit_or', 0b1100n, 0b1010n, '10', 0b1110n],
  ['bit_xor', 0b1100n, 0b1010n, '11', 0b0110n],
  ['equal', -1n, MAX, '13', 1n],
  ['equal, not', 1n, 2n, '13', 0n],
  ['less_signed', -1n, 1n, '14', 1n],
  ['less_signed, not', 1n, 1n, '14', 0n],
  ['less_unsigned', -1n, 1n, '15', 0n],
  ['less_unsigned, so', 1n, 2n, '15', 1n],
];

const WHOLE: readonly (readonly [name: string, code: string, result: bigint | RegExp])[] = [
  ['const8 has no sign', '22ff 27', 0xffn],
  ['const16 is big-endian', '231234 27', 0x1234n],
  ['const32', '2489abcdef 27', 0x89abcdefn],
  ['const64', `${constant(0x8123456789abcdefn)} 27`, 0x8123456789abcdefn],
  ['log_not of 0', '2200 0e 27', 1n],
  ['log_not of 5', '2205 0e 27', 0n],
  ['bit_not', '2200 12 27', MAX],
  ['ext 8', '22ff 1608 27', MAX],
  ['ext 8 of a positive', '22ff 2201 02 1608 27', 0n],
  ['ext 64 changes nothing', '22ff 1640 27', 0xffn],
  ['ext 255 changes nothing', `${constant(-2n)} 16ff 27`, MAX - 1n],
  ['zero_ext 4', '22ff 2a04 27', 15n],
  ['zero_ext 0', '22ff 2a00 27', 0n],
  ['zero_ext 64 changes nothing', `${constant(-2n)} 2a40 27`, MAX - 1n],
  ['ref8', `${constant(MEMORY_AT + 1n)} 17 27`, 0x81n],
  ['ref16', `${constant(MEMORY_AT)} 18 27`, 0x8180n],
  ['ref32', `${constant(MEMORY_AT)} 19 27`, 0x83828180n],
  ['ref64', `${constant(MEMORY_AT)} 1a 27`, 0x8786858483828180n],
  ['ref32 across the end', `${constant(MEMORY_AT + 0xfen)} 19 27`, /^it cannot read 4 bytes at 0x10fe$/],
  ['ref8 of nothing', '2200 17 27', /^it cannot read 1 byte at 0x0$/],
  ['reg', '260007 27', 0x70n],
  ['reg that is none', '26ffff 27', /^it reads register 65535, which is none of at most 64 bits$/],
  ['dup', '2203 28 04 27', 9n],
  ['pop', '2203 2204 29 27', 3n],
  ['swap', '2203 2204 2b 03 27', 1n],
  ['pick 0 is dup', '2203 2204 3200 02 27', 8n],
  ['pick 2', '2203 2204 2205 3202 27', 3n],
  // a b c becomes c a b: 1 2 3 to 3 1 2, then 1 - 2.
  ['rot', '2201 2202 2203 33 03 27', MAX],
  ['rot, the third', '2201 2202 2203 33 29 29 27', 3n],
  ['goto', '21 0006 22ff 27 2205 27', 5n],
  ['if_goto taken', '2201 20 000a 2207 21 000c 2208 27', 8n],
  ['if_goto not taken', '2200 20 000a 2207 21 000c 2208 27', 7n],
  ['end leaves what is below', '2201 2202 27', 2n],
  ['a loop that counts to ten', '2200 2201 02 28 220a 14 20 0002 27', 10n],
  ['a loop without an end', '21 0000', /^it is not done after 10000 steps$/],
];

function check(t: test.Test, name: string, code: string, result: bigint | RegExp): void {
  const guest = new Guest();
  guest.memory.forEach((_, i) => { guest.memory[i] = 0x80 + i; });
  const got = run(code, guest);
  if (typeof result === 'bigint') t.deepEqual(got, { value: result }, name);
  else t.match(got.failure ?? 'no failure', result, name);
}

test('agent expressions: what every opcode does', (t) => {
  for (const [name, left, right, opcode, result] of BINARY) check(t, name, `${constant(left)} ${constant(right)} ${opcode} 27`, result);
  for (const [name, code, result] of WHOLE) check(t, name, code, result);
  t.end();
});

test('agent expressions: as gdb 13 compiles them', (t) => {
  const guest = new Guest();
  guest.memory.set([0xb8, 0x0b, 0, 0], 0);
  // $r5 == 0x50, with the register of 64 bits extended to 64 bits.
  t.deepEqual(run('260005 1640 2250 13 27', guest), { value: 1n });
  // *(int *) 0x1000 % 1000 == 0 && $r9 > 3, and the same with the second half false.
  const both = (least: string): string => `231000 19 1620 2303e8 07 1620 2200 13 20 0015 21 0029 260009 1640 22${least} 2b 14 20 0024 21 0029 2201 21 002b 2200 27`;
  t.deepEqual(run(both('03'), guest), { value: 1n });
  t.deepEqual(run(both('90'), guest), { value: 0n });
  guest.memory[0]++;
  const before = guest.reads;
  t.deepEqual(run(both('03'), guest), { value: 0n });
  t.equal(guest.reads, before + 1, 'memory is read once');
  t.end();
});

test('agent expressions: bytes at random neither throw nor hang', (t) => {
  const random = randomNumbers(12345);
  const known = [0x02, 0x05, 0x09, 0x13, 0x16, 0x17, 0x1a, 0x20, 0x21, 0x22, 0x22, 0x22, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2b, 0x32, 0x33, 0x34];
  const seen = { refused: 0, value: 0, failure: 0 };
  const guest = new Guest();
  for (let round = 0; round < 30_000; round++) {
    // Half of them of opcodes and small operands, so that many get through.
    const code = Uint8Array.from({ length: 1 + random(24) }, () => (round % 2 === 0 ? random(256) : random(3) > 0 ? known[random(known.length)] : random(16)));
    if (random(4) > 0) code[code.length - 1] = 0x27;
    try {
      seen[evaluate(decodeProgram(code), guest).failure === undefined ? 'value' : 'failure']++;
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      seen.refused++;
    }
  }
  t.ok(seen.refused > 1000 && seen.value > 1000 && seen.failure > 300, JSON.stringify(seen));
  t.end();
});

test('agent expressions: a step bound holds for the longest program', (t) => {
  const longest = new Uint8Array(0xffff).fill(0x28);
  for (let i = 3; i < longest.length - 1; i += 2) longest[i] = 0x29;
  longest.set([0x22, 1], 0);
  longest[longest.length - 1] = 0x27;
  t.match(evaluate(decodeCondition(longest), new Guest()).failure ?? '', new RegExp(`${MOST_STEPS} steps`));
  t.throws(() => decodeProgram(new Uint8Array(0x10000)), /longer than 65535 bytes/);
  t.end();
});
