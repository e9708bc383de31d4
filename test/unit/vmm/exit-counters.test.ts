import test from 'tape';
import { DurationHistogram } from '../../../src/vmm/duration-histogram.js';
import { ExitCounters } from '../../../src/vmm/exit-counters.js';
import type { IoExit, MmioExit } from '../../../src/vmm/exit.js';

const io = (port: number): IoExit => ({ reason: 'io', direction: 'out', size: 1, port, count: 1, data: new Uint8Array(1) });
const mmio = (address: bigint): MmioExit => ({ reason: 'mmio', isWrite: true, address, data: new Uint8Array(4) });

test('durations: mean, longest and percentiles within a sixteenth', (t) => {
  for (const scale of [0.1, 1, 37.5, 1000, 5e6]) {
    const histogram = new DurationHistogram();
    const values = Array.from({ length: 1000 }, (_, i) => ((i * 7919) % 1000 + 1) * scale);
    for (const value of values) histogram.add(value);
    const sorted = values.toSorted((a, b) => a - b);
    for (const part of [0.01, 0.5, 0.9, 0.99, 1]) {
      const exact = sorted[Math.ceil(1000 * part) - 1];
      // A range ends at 134 s; what is longer is only known to be.
      if (exact > 134e6) continue;
      const said = histogram.percentile(part);
      t.ok(said >= exact * 0.9999 && said <= exact * (1 + 1 / 16) + 1 / 16, `p${100 * part} of ${scale}..${1000 * scale} us: ${said}, exactly ${exact}`);
    }
    t.ok(Math.abs(histogram.mean / (500.5 * scale) - 1) < 1e-9, 'mean');
    t.equal(histogram.longest, Math.max(...values));
    t.equal(histogram.count, 1000);
  }
  t.end();
});

test('durations: nothing, nonsense and eternity', (t) => {
  const histogram = new DurationHistogram();
  t.deepEqual([histogram.mean, histogram.percentile(0.99), histogram.longest], [0, 0, 0]);
  histogram.add(-5);
  histogram.add(NaN);
  t.deepEqual([histogram.count, histogram.mean, histogram.percentile(1)], [2, 0, 0], 'a clock that went backwards');
  histogram.add(1e12);
  t.ok(histogram.percentile(1) >= 134e6, 'longer than the last bucket');
  t.end();
});

test('exit counters: counts, times and places', (t) => {
  const counters = new ExitCounters(0);
  for (const exit of [io(0x3f8), io(0x3f8), io(0x80), mmio(0xfec0_0010n), mmio(0xfec0_0ffcn)]) counters.count(exit.reason);
  counters.count('hlt');
  counters.served(io(0x3f8), 4);
  counters.served(io(0x3f8), 6);
  counters.served(io(0x80), 50);
  counters.served(mmio(0xfec0_0010n), 10);
  counters.served(mmio(0xfec0_0ffcn), 30);
  t.deepEqual(counters.reasons.map(({ reason, count, served }) => [reason, count, served.count, served.mean]),
    [['io', 3, 3, 20], ['mmio', 2, 2, 20], ['hlt', 1, 0, 0]]);
  t.deepEqual(counters.places, [
    { kind: 'port', address: 0x80, count: 1, totalMicroseconds: 50 },
    { kind: 'page', address: 0xfec0_0000, count: 2, totalMicroseconds: 40 },
    { kind: 'port', address: 0x3f8, count: 2, totalMicroseconds: 10 },
  ]);
  t.end();
});

test('exit counters: a look says what came since the look before', (t) => {
  const counters = new ExitCounters(1000);
  for (let i = 0; i < 5; i++) counters.count('io');
  t.deepEqual(counters.look(3000), { seconds: 2, counts: new Map([['io', 5]]) });
  counters.count('io');
  counters.count('debug');
  t.deepEqual(counters.look(3500), { seconds: 0.5, counts: new Map([['io', 1], ['debug', 1]]) });
  t.deepEqual(counters.look(3500), { seconds: 0, counts: new Map([['io', 0], ['debug', 0]]) });
  t.deepEqual(counters.counts, new Map([['io', 6], ['debug', 1]]), 'the counts themselves go on');
  t.end();
});

test('exit counters: what is always on costs nothing beside an exit, which takes some 10 us', (t) => {
  const counters = new ExitCounters(0);
  const exit = io(0x3f8);
  const EXITS = 20_000;
  // The quietest of the rounds, for other processes take their time too.
  const nanoseconds = Math.min(...Array.from({ length: 10 }, () => {
    const begin = performance.now();
    for (let i = 0; i < EXITS; i++) {
      counters.count(exit.reason);
      counters.served(exit, 5);
    }
    return ((performance.now() - begin) * 1e6) / EXITS;
  }));
  t.ok(nanoseconds < 1000, `${nanoseconds.toFixed(0)} ns for an exit`);
  t.end();
});

test('exit counters: a guest that scans its address space fills no memory', (t) => {
  const counters = new ExitCounters(0);
  counters.count('io');
  counters.count('mmio');
  for (let i = 0; i < 0x1_0000; i++) {
    counters.served(io(i), 1);
    counters.served(mmio(BigInt(i) << 12n), 1);
  }
  t.equal(counters.places.length, 2048);
  t.deepEqual(counters.reasons.map(({ served }) => served.count), [0x1_0000, 0x1_0000], 'the reasons have them all');
  t.end();
});
