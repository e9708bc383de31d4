import test from 'tape';
import { BreakpointSet } from '../../../src/breakpoints/breakpoint-set.js';

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

test('breakpoint set: kinds and lengths are kept apart', (t) => {
  const set = new BreakpointSet();
  set.add({ kind: 'hardware', address: 1n, length: 1 });
  set.add({ kind: 'software', address: 1n, length: 1 });
  set.add({ kind: 'write', address: 1n, length: 4 });
  set.add({ kind: 'software', address: 0n, length: 1 });
  t.equal(set.all.length, 4);
  t.equal(set.executionAt(1n)?.kind, 'software', 'a software breakpoint comes first');
  t.equal(set.executionAt(2n), undefined);
  t.deepEqual(set.executionAddresses(), [0n, 1n], 'ascending, without duplicates or watchpoints');
  set.clear();
  t.deepEqual(set.executionAddresses(), []);
  t.end();
});
