import test from 'tape';
import { constant, Guest, MEMORY_AT, printf, run } from './expressions.js';

/** A format, its values, and what C's printf makes of them. */
const PRINTED: readonly (readonly [format: string, values: readonly bigint[], text: string])[] = [
  ['plain', [], 'plain'],
  ['100%%', [], '100%'],
  ['%%d %d', [7n], '%d 7'],
  [String.raw`a\tb\n\\ \" \a\b\e\f\r\v`, [], 'a\tb\n\\ " \x07\b\x1b\f\r\v'],
  ['grüße %d', [1n], 'grüße 1'],
  ['%d %i', [-1n, 5n], '-1 5'],
  ['%d', [0x1_ffff_fffen], '-2'],
  ['%ld %lld %zd', [-1n, 1n << 62n, -3n], '-1 4611686018427387904 -3'],
  ['%hd %hhd', [0x18000n, 0x1ffn], '-32768 -1'],
  ['%u %lu', [-1n, -1n], '4294967295 18446744073709551615'],
  ['%hu %hhu', [-1n, -1n], '65535 255'],
  ['%x %X %lx %o', [0xbeefn, 0xbeefn, -1n, 8n], 'beef BEEF ffffffffffffffff 10'],
  ['%#x %#X %#o %#x', [255n, 255n, 8n, 0n], '0xff 0XFF 010 0'],
  ['[%5d] [%-5d] [%05d] [%+d] [% d]', [42n, 42n, -42n, 42n, 42n], '[   42] [42   ] [-0042] [+42] [ 42]'],
  ['[%.3d] [%6.3d] [%.0d] [%-06d]', [7n, -7n, 0n, 7n], '[007] [  -007] [] [7     ]'],
  ['[%08x] [%#08x] [%5.3lx]', [0xbeefn, 0xbeefn, 5n], '[0000beef] [0x00beef] [  005]'],
  ['%c%c%c', [0x48n, 0x169n, 0x21n], 'Hi!'],
  ['[%3c] [%-3c]', [0x41n, 0x41n], '[  A] [A  ]'],
  ['%p %p [%8p]', [0x7c00n, 0n, 0x10n], '0x7c00 (nil) [    0x10]'],
  ['%s', [MEMORY_AT], 'hello'],
  ['[%8s] [%-8s] [%.3s] [%8.2s]', [MEMORY_AT, MEMORY_AT, MEMORY_AT, MEMORY_AT], '[   hello] [hello   ] [hel] [      he]'],
  ['%s', [0n], '(null)'],
  ['%s', [MEMORY_AT + 5n], ''],
  ['%s', [MEMORY_AT + 0xf0n], 'ünï'],
  ['%.2s', [MEMORY_AT + 0xfen], 'xy'],
  ['%s and %d', [MEMORY_AT, 3n], 'hello and 3'],
];

function print(format: string, values: readonly bigint[], guest: Guest): string {
  const pushed = [...values].reverse().map(constant).join(' ');
  const { failure } = run(`${pushed} ${printf(format, values.length)} 27`, guest);
  return failure === undefined ? guest.printed : `fails: ${failure}`;
}

function guestWithText(): Guest {
  const guest = new Guest();
  guest.memory.set(Buffer.from('hello\0'), 0);
  guest.memory.set(Buffer.from('ünï\0'), 0xf0);
  guest.memory.set(Buffer.from('xy'), 0xfe);
  return guest;
}

test('printf: as C prints it', (t) => {
  for (const [format, values, text] of PRINTED) t.equal(print(format, values, guestWithText()), text, format);
  t.end();
});

test('printf: what cannot be printed, and why', (t) => {
  for (const [format, why] of [
    ['%f', 'its format has "%f", and floating point is not printed here'],
    ['%5.2Lg', 'its format has "%5.2Lg", and floating point is not printed here'],
    ['%ls', 'its format has "%ls", and wide characters are not supported'],
    ['%lc', 'its format has "%lc", and wide characters are not supported'],
    ['%lp', 'its format has "%lp", and "l" does not go with a pointer'],
    ['%Ld', 'its format has "%Ld", and "L" does not go with an integer'],
    ['%n', 'its format has "%n", and %n is not supported'],
    ['%*d', 'its format has "%*", and %* is not supported'],
    ['100%', 'its format has "%", and that is not complete'],
    ['%5000d', 'its format has "%5000d", and widths are at most 4096'],
    ['%.99999d', 'its format has "%.99999d", and widths are at most 4096'],
    [String.raw`a\qb`, String.raw`its format has the unknown escape "\q"`],
    ['a\\', 'its format has the unknown escape "\\"'],
    ['%d %d', 'the format of printf at offset 13 takes 2 values and gets 1'],
  ] as const) t.equal(print(format, [1n], guestWithText()), `fails: ${why}`, format);
  t.end();
});

test('printf: strings that are not in memory, or have no end', (t) => {
  t.equal(print('%s', [0x10n], new Guest()), 'fails: it cannot read the string at 0x10 beyond 0 bytes');
  t.equal(print('%s', [MEMORY_AT + 0xfen], guestWithText()), 'fails: it cannot read the string at 0x10fe beyond 2 bytes');
  const guest = new Guest();
  guest.read = (_, length) => new Uint8Array(length).fill(0x61);
  t.equal(print('%s', [MEMORY_AT], guest), `${'a'.repeat(4096)}...`, 'cut, and marked');
  t.equal(print('%s', [0xffff_ffff_ffff_fff0n], new Guest()), 'fails: it cannot read the string at 0xfffffffffffffff0 beyond 0 bytes');
  t.end();
});
