import test from 'tape';
import { BreakpointSet } from '../../../src/breakpoints/breakpoint-set.js';

/** `const8 1; end`. */
const TRUE = Uint8Array.of(0x22, 1, 0x27);

test('breakpoint set: inserting and removing are idempotent', (t) => {
  const set = new BreakpointSet();
  const at = { kind: 'software', address: 0x7c00n, length: 1 } as const;
  set.add(at);
  set.all[0].hits = 5;
  set.add(at);
  t.equal(set.all.length, 1);
  t.equal(set.all[0].hits, 5, 'a second insert keeps the count');
  set.remove(at);
  set.remove(at);
  t.equal(set.all.length, 0);
  t.end();
});

test('breakpoint set: a second insert replaces conditions and commands and keeps the counts', (t) => {
  const set = new BreakpointSet();
  const at = { kind: 'software', address: 0x7c00n, length: 1 } as const;
  set.add({ ...at, conditions: [TRUE, TRUE], commands: [TRUE] });
  const [first] = set.all;
  Object.assign(first, { hits: 3, arrivals: 9 });
  t.deepEqual([first.conditionPrograms.length, first.commandPrograms.length], [2, 1]);
  set.add(at);
  t.deepEqual([first.conditionPrograms.length, first.commandPrograms.length], [0, 0], 'in the object that a run under way holds');
  t.deepEqual([set.all[0].hits, set.all[0].arrivals], [3, 9]);
  t.throws(() => set.add({ ...at, conditions: [Uint8Array.of(0)] }), /unknown opcode 0x00/);
  t.throws(() => set.add({ ...at, address: 1n, commands: [Uint8Array.of(0)] }), /unknown opcode 0x00/);
  t.throws(() => set.add({ ...at, conditions: [Uint8Array.of(0x27)] }), /ends without a value/);
  t.equal(set.all.length, 1, 'what is refused changes nothing');
  t.equal(first.conditionPrograms.length, 0);
  t.end();
});

test('breakpoint set: counts survive a removal, as at every stop of gdb', (t) => {
  const set = new BreakpointSet();
  const at = (address: bigint) => ({ kind: 'software', address, length: 1 }) as const;
  for (const address of [1n, 2n]) set.add(at(address));
  set.all[0].hits = 4;
  for (const address of [1n, 2n, 2n, 3n]) set.remove(at(address));
  t.deepEqual(set.lastRemoved.map(({ address, hits }) => [address, hits]), [[1n, 4], [2n, 0]]);
  set.add(at(2n));
  t.deepEqual(set.lastRemoved, [], 'of the run before only');
  set.add(at(1n));
  t.equal(set.all.find(({ address }) => address === 1n)?.hits, 4, 'it goes on from there');
  for (let address = 10n; address < 1200n; address++) set.add(at(address));
  for (let address = 1n; address < 1200n; address++) set.remove(at(address));
  set.add(at(1n));
  t.equal(set.all[0].hits, 0, 'what was removed long ago is forgotten');
  set.all[0].hits = 1;
  set.clear();
  t.deepEqual(set.lastRemoved, []);
  set.add(at(1n));
  t.equal(set.all[0].hits, 0, 'and everything is when the client goes');
  t.end();
});

test('breakpoint set: kinds and lengths are kept apart', (t) => {
  const set = new BreakpointSet();
  set.add({ kind: 'hardware', address: 1n, length: 1 });
  set.add({ kind: 'software', address: 1n, length: 1 });
  set.add({ kind: 'write', address: 1n, length: 4 });
  set.add({ kind: 'software', address: 0n, length: 1 });
  t.equal(set.all.length, 4);
  t.equal(set.executionAt(1n)?.kind, 'software', 'a software breakpoint comes first');
  t.deepEqual(set.allExecutionAt(1n).map(({ kind }) => kind), ['hardware', 'software']);
  t.equal(set.executionAt(2n), undefined);
  t.deepEqual(set.executionAddresses(), [0n, 1n], 'ascending, without duplicates or watchpoints');
  set.clear();
  t.deepEqual(set.executionAddresses(), []);
  t.end();
});
