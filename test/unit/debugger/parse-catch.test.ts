import test from 'tape';
import { CatchpointSet, describeCatch, type CatchWhat } from '../../../src/debugger/catch/catchpoint-set.js';
import { parseCatch } from '../../../src/debugger/catch/parse-catch.js';

const PARSED: readonly (readonly [string, CatchWhat, string])[] = [
  ['exception', { kind: 'exception' }, 'exception all'],
  ['exception all', { kind: 'exception' }, 'exception all'],
  ['exception 0xe', { kind: 'exception', vector: 14 }, 'exception #PF (page fault)'],
  ['exception page-fault', { kind: 'exception', vector: 14 }, 'exception #PF (page fault)'],
  ['exception 31', { kind: 'exception', vector: 31 }, 'exception vector 0x1f'],
  ['triple-fault', { kind: 'triple-fault' }, 'triple-fault'],
  ['io 0x3f8', { kind: 'io', first: 0x3f8, last: 0x3f8 }, 'io 0x3f8'],
  ['io 112-0x8f', { kind: 'io', first: 0x70, last: 0x8f }, 'io 0x70-0x8f'],
  ['mmio 0xfee00000', { kind: 'mmio', start: 0xfee0_0000n, end: 0xfee0_0001n }, 'mmio 0xfee00000'],
  ['mmio 0xfee00000+0x1000', { kind: 'mmio', start: 0xfee0_0000n, end: 0xfee0_1000n }, 'mmio 0xfee00000-0xfee00fff'],
  ['mmio 0xfee00000-0xfee00fff', { kind: 'mmio', start: 0xfee0_0000n, end: 0xfee0_1000n }, 'mmio 0xfee00000-0xfee00fff'],
  ['mmio 0xffffffffffffffff', { kind: 'mmio', start: 0xffff_ffff_ffff_ffffn, end: 1n << 64n }, 'mmio 0xffffffffffffffff'],
  ['msr EFER', { kind: 'msr', index: 0xc000_0080 }, 'msr efer (0xc0000080)'],
  ['msr 16', { kind: 'msr', index: 16 }, 'msr tsc (0x10)'],
  ['cpuid', { kind: 'cpuid' }, 'cpuid'],
  ['mode-switch', { kind: 'mode-switch' }, 'mode-switch'],
  ['hlt', { kind: 'hlt' }, 'hlt'],
];

test('catch: what can be typed, and how it is listed', (t) => {
  for (const [words, what, text] of PARSED) {
    t.deepEqual(parseCatch(words.split(' ')), what, words);
    t.equal(describeCatch(what), text);
  }
  t.end();
});

test('catch: what cannot', (t) => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['', /Say what to catch/],
    ['fork', /Say what to catch/],
    ['exception 0x20', /no exception "0x20"/],
    ['exception #PF now', /one argument at most/],
    ['io', /needs a port/],
    ['io 1-2-3', /needs a port/],
    ['io com1', /number such as/],
    ['io 0x10000', /ports are 0 to 0xffff/],
    ['mmio 5-4', /is empty/],
    ['mmio 0xffffffffffffffff+2', /beyond the address space/],
    ['mmio -5', /needs a guest-physical address/],
    ['msr zork', /needs an index/],
    ['msr 0x100000000', /have 32 bits/],
    ['cpuid 1', /takes no argument/],
  ];
  for (const [words, message] of wrong) t.throws(() => parseCatch(words.split(' ').filter((word) => word !== '')), message, `"${words}"`);
  t.end();
});

test('catchpoints are numbered, and the same is not added twice', (t) => {
  const set = new CatchpointSet();
  const [first, again, second] = [set.add({ kind: 'cpuid' }), set.add({ kind: 'cpuid' }), set.add({ kind: 'hlt' })];
  t.equal(first, again);
  t.deepEqual(set.all.map(({ number }) => number), [1, 2]);
  t.ok(set.remove(1));
  t.notOk(set.remove(1));
  t.equal(set.has('cpuid'), false);
  t.equal(set.find(({ kind }) => kind === 'hlt'), second);
  set.clear();
  t.equal(set.add({ kind: 'hlt' }).number, 3, 'no number is given twice');
  t.end();
});
