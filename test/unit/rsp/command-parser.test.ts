import test from 'tape';
import * as parser from '../../../src/rsp/command-parser.js';
import { TargetError } from '../../../src/target.js';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const ALL = { process: -1, thread: -1 };

const GOOD: readonly [string, () => unknown, unknown][] = [
  ['range', () => parser.parseMemoryRange(bytes('7c00,10')), { address: 0x7c00n, length: 16 }],
  ['64-bit address', () => parser.parseMemoryRange(bytes('ffffffff80001234,4')), { address: 0xffffffff80001234n, length: 4 }],
  ['9 digits', () => parser.parseMemoryRange(bytes('123456789,1')), { address: 0x123456789n, length: 1 }],
  ['leading zeros', () => parser.parseMemoryRange(bytes('00000000000000000010,1')), { address: 16n, length: 1 }],
  ['hex write', () => parser.parseMemoryWrite(bytes('10,2:aBcD'), 'hex'), { address: 16n, data: Uint8Array.of(0xab, 0xcd) }],
  ['binary write', () => [...parser.parseMemoryWrite(bytes('10,2::,'), 'binary').data], [0x3a, 0x2c]],
  ['register write', () => parser.parseRegisterWrite(bytes('1f=0011')), { regnum: 31, value: Uint8Array.of(0, 0x11) }],
  ['breakpoint', () => parser.parseBreakpoint(bytes('0,7c00,1')), { kind: 'software', address: 0x7c00n, length: 1 }],
  ['watchpoint', () => parser.parseBreakpoint(bytes('4,500,8')), { kind: 'access', address: 0x500n, length: 8 }],
  [
    'condition', () => parser.parseBreakpoint(bytes('1,7c00,1;X3,220027')),
    { kind: 'hardware', address: 0x7c00n, length: 1, conditions: [Uint8Array.of(0x22, 0, 0x27)] },
  ],
  [
    'conditions side by side, and apart', () => parser.parseBreakpoint(bytes('0,7c00,1;X1,27X2,2827;X0,')),
    { kind: 'software', address: 0x7c00n, length: 1, conditions: [Uint8Array.of(0x27), Uint8Array.of(0x28, 0x27), new Uint8Array()] },
  ],
  [
    'commands', () => parser.parseBreakpoint(bytes('0,7c00,1;cmds:1,X1,27X1,28')),
    { kind: 'software', address: 0x7c00n, length: 1, commands: [Uint8Array.of(0x27), Uint8Array.of(0x28)], persistCommands: true },
  ],
  [
    'condition and command', () => parser.parseBreakpoint(bytes('0,7c00,1;X1,27;cmds:0,X1,28')),
    {
      kind: 'software', address: 0x7c00n, length: 1, conditions: [Uint8Array.of(0x27)], commands: [Uint8Array.of(0x28)],
      persistCommands: false,
    },
  ],
  [
    'vCont',
    () => parser.parseVCont(bytes('s:p1.2;C05:1;r10,20:p1.-1;t;c')),
    [
      { verb: 'step', threads: { process: 1, thread: 2 }, start: 0n, end: 0n },
      { verb: 'continue', threads: { process: -1, thread: 1 }, start: 0n, end: 0n },
      { verb: 'range-step', threads: { process: 1, thread: -1 }, start: 16n, end: 32n },
      { verb: 'stop', threads: ALL, start: 0n, end: 0n },
      { verb: 'continue', threads: ALL, start: 0n, end: 0n },
    ],
  ],
  ['vCont of a whole process', () => parser.parseVCont(bytes('S05:p1')), [{ verb: 'step', threads: { process: 1, thread: -1 }, start: 0n, end: 0n }]],
  ['s', () => parser.parseOldResume(bytes(''), false), { address: undefined }],
  ['s at', () => parser.parseOldResume(bytes('7c00'), false), { address: 0x7c00n }],
  ['C at', () => parser.parseOldResume(bytes('05;7c00'), true), { address: 0x7c00n }],
  ['transfer', () => parser.parseTransfer(bytes('features:read:target.xml:0,ffb')), { object: 'features', operation: 'read', annex: 'target.xml', offset: 0, length: 0xffb }],
  ['search', () => parser.parseSearch(bytes('memory:10;20;a;b')), { address: 16n, length: 32, pattern: bytes('a;b') }],
];

for (const [name, parse, expected] of GOOD) {
  test(`parser: ${name}`, (t) => {
    t.deepEqual(parse(), expected);
    t.end();
  });
}

const BAD: readonly [string, () => unknown, RegExp][] = [
  ['no address', () => parser.parseMemoryRange(bytes(',4')), /an address/],
  ['no length', () => parser.parseMemoryRange(bytes('10')), /','/],
  ['17 digits', () => parser.parseMemoryRange(bytes('11111111111111111,4')), /Too many digits in an address/],
  ['a length of 14 digits', () => parser.parseMemoryRange(bytes('0,11111111111111')), /Too many digits in a length/],
  ['minus', () => parser.parseMemoryRange(bytes('-1,4')), /an address/],
  ['text after', () => parser.parseMemoryRange(bytes('0,4;')), /Unexpected text/],
  ['too few bytes', () => parser.parseMemoryWrite(bytes('0,2:00'), 'hex'), /2 bytes and carries 1/],
  ['too many bytes', () => parser.parseMemoryWrite(bytes('0,0:a'), 'binary'), /0 bytes and carries 1/],
  ['half a byte', () => parser.parseMemoryWrite(bytes('0,1:0'), 'hex'), /pairs of hex digits/],
  ['not hex', () => parser.parseMemoryWrite(bytes('0,1:0g'), 'hex'), /pairs of hex digits/],
  ['no data', () => parser.parseMemoryWrite(bytes('0,1'), 'hex'), /':'/],
  ['breakpoint type 5', () => parser.parseBreakpoint(bytes('5,0,1')), /0 to 4/],
  ['a condition without its length', () => parser.parseBreakpoint(bytes('0,7c00,1;X,27')), /length of an expression/],
  ['a condition without a comma', () => parser.parseBreakpoint(bytes('0,7c00,1;X1')), /',' before the expression/],
  ['a condition that is too short', () => parser.parseBreakpoint(bytes('0,7c00,1;X2,27')), /shorter than the 2 bytes it says/],
  ['a condition that is too long', () => parser.parseBreakpoint(bytes('0,7c00,1;X1,2728')), /Unexpected text after the breakpoint/],
  ['a condition of an endless length', () => parser.parseBreakpoint(bytes('0,7c00,1;X1fffffffffff,27')), /shorter than/],
  ['a condition that is no hex', () => parser.parseBreakpoint(bytes('0,7c00,1;X1,2g')), /pairs of hex digits/],
  ['nothing behind the breakpoint', () => parser.parseBreakpoint(bytes('0,7c00,1;')), /'X' before an expression/],
  ['something else behind the breakpoint', () => parser.parseBreakpoint(bytes('0,7c00,1;cats:1,X1,27')), /conditions \(X\) and commands \(cmds:\)/],
  ['commands that neither persist nor not', () => parser.parseBreakpoint(bytes('0,7c00,1;cmds:,X1,27')), /whether the commands persist/],
  ['no commands', () => parser.parseBreakpoint(bytes('0,7c00,1;cmds:0,')), /'X' before an expression/],
  ['breakpoint without a kind', () => parser.parseBreakpoint(bytes('0,0')), /','/],
  ['vCont with nothing', () => parser.parseVCont(bytes('')), /vCont takes/],
  ['vCont x', () => parser.parseVCont(bytes('x:1')), /vCont takes/],
  ['a range that ends before it begins', () => parser.parseVCont(bytes('r20,10:1')), /ends before it begins/],
  ['a range without an end', () => parser.parseVCont(bytes('r10:1')), /','/],
  ['thread -2', () => parser.parseVCont(bytes('c:-2')), /-1/],
  ['a lone semicolon', () => parser.parseVCont(bytes('c;')), /vCont takes/],
  ['C without a signal', () => parser.parseVCont(bytes('C:1')), /a signal/],
  ['transfer without an offset', () => parser.parseTransfer(bytes('features:read:x')), /an offset/],
  ['an empty pattern', () => parser.parseSearch(bytes('memory:0;1;')), /empty/],
];

for (const [name, parse, message] of BAD) {
  test(`parser refuses: ${name}`, (t) => {
    try {
      parse();
      t.fail('it was accepted');
    } catch (error) {
      t.ok(error instanceof TargetError, 'a TargetError');
      t.equal((error as TargetError).errno, 22, 'EINVAL');
      t.match((error as TargetError).message, message);
    }
    t.end();
  });
}
