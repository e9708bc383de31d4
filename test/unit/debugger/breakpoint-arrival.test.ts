import test from 'tape';
import { BreakpointSet } from '../../../src/breakpoints/breakpoint-set.js';
import { BreakpointArrival, type ArrivalStop } from '../../../src/debugger/breakpoint-arrival.js';
import type { CpuView } from '../../../src/debugger/cpu-view.js';
import type { BreakpointRequest } from '../../../src/target.js';
import { bytes, printf } from '../breakpoints/agent/expressions.js';

/** `register 0 == n`, `*(char *) n`, and `printf` of a text. */
const isValue = (n: number): Uint8Array => bytes(`260000 22${n.toString(16).padStart(2, '0')} 13 27`);
const byteAt = (n: number): Uint8Array => bytes(`22${n.toString(16).padStart(2, '0')} 17 27`);
const says = (text: string): Uint8Array => bytes(`${printf(text, 0)} 27`);

class World {
  readonly set = new BreakpointSet();
  said = '';
  invalidated = 0;
  private rax = 0n;
  private readonly arrival = new BreakpointArrival({
    cpus: [{
      view: {} as CpuView,
      registers: {
        value: (regnum) => (regnum === 0 ? this.rax : undefined),
        invalidate: () => { this.invalidated++; },
      },
    }],
    // Bytes 0 to 15 hold their own address.
    read: (_view, address, length) => (address < 16n ? Uint8Array.of(Number(address)) : new Uint8Array(0)).subarray(0, length),
    say: (text) => { this.said += text; },
  });

  add(request: Partial<BreakpointRequest>): this {
    this.set.add({ kind: 'software', address: 0x7c00n, length: 1, ...request });
    return this;
  }

  arrive(rax: bigint): ArrivalStop | undefined {
    this.rax = rax;
    return this.arrival.arrive(this.set.allExecutionAt(0x7c00n), 0);
  }

  get counts(): [arrivals: number, hits: number][] {
    return this.set.all.map(({ arrivals, hits }) => [arrivals, hits]);
  }
}

test('arrival: without conditions and commands it stops', (t) => {
  const world = new World().add({});
  t.deepEqual(world.arrive(0n), { breakpoint: world.set.all[0] });
  t.deepEqual(world.counts, [[1, 1]]);
  t.equal(world.invalidated, 1, 'registers are read anew');
  t.end();
});

test('arrival: one of the conditions must hold', (t) => {
  const world = new World().add({ conditions: [isValue(5), isValue(7)] });
  t.deepEqual([4n, 5n, 6n, 7n].map((rax) => world.arrive(rax) !== undefined), [false, true, false, true]);
  t.deepEqual(world.counts, [[4, 2]], 'arrivals and hits');
  t.end();
});

test('arrival: a condition that has no value stops and says why, unless one before it holds', (t) => {
  const world = new World().add({ conditions: [byteAt(0x20)] });
  t.deepEqual(world.arrive(0n), {
    breakpoint: world.set.all[0], text: 'The condition of the breakpoint at 0x7c00 has no value: it cannot read 1 byte at 0x20.',
  });
  t.deepEqual(world.counts, [[1, 0]]);
  world.add({ conditions: [byteAt(3), byteAt(0x20)] });
  t.equal(world.arrive(0n)?.text, undefined, 'the first holds');
  world.add({ conditions: [byteAt(0), byteAt(0x20)] });
  t.match(world.arrive(0n)?.text ?? '', /has no value/, 'the first does not');
  t.end();
});

test('arrival: commands run in order instead of a stop', (t) => {
  const world = new World().add({ commands: [says('one '), says('two\\n')] });
  t.equal(world.arrive(0n), undefined);
  t.equal(world.arrive(0n), undefined);
  t.equal(world.said, 'one two\none two\n');
  t.deepEqual(world.counts, [[2, 2]]);
  world.add({ conditions: [isValue(1)], commands: [says('three')] });
  world.said = '';
  t.equal(world.arrive(0n), undefined);
  t.equal(world.said, '', 'not where the condition does not hold');
  t.equal(world.arrive(1n), undefined);
  t.equal(world.said, 'three');
  t.end();
});

test('arrival: a command that fails says why, those behind it do not run, and the guest goes on', (t) => {
  const world = new World().add({ commands: [says('one '), byteAt(0x20), says('three')] });
  t.equal(world.arrive(0n), undefined);
  t.equal(world.said, 'one A command of the breakpoint at 0x7c00 fails: it cannot read 1 byte at 0x20.\n');
  world.add({ commands: [bytes(`2201 ${printf('%f', 1)} 27`)] });
  t.equal(world.arrive(0n), undefined);
  t.match(world.said, /fails: its format has "%f", and floating point is not printed here\.\n$/);
  world.said = '';
  world.add({ conditions: [byteAt(0x20)], commands: [says('three')] });
  t.equal(world.arrive(0n), undefined, 'also where its condition has no value');
  t.equal(world.said, 'The condition of the breakpoint at 0x7c00 has no value: it cannot read 1 byte at 0x20.\n');
  t.end();
});

test('arrival: both kinds at one address are looked at', (t) => {
  const world = new World().add({ commands: [says('here ')] }).add({ kind: 'hardware', conditions: [isValue(2)] });
  t.equal(world.arrive(1n), undefined);
  t.equal(world.arrive(2n)?.breakpoint.kind, 'hardware');
  t.equal(world.said, 'here here ');
  t.deepEqual(world.counts, [[2, 2], [2, 1]]);
  const other = new World().add({}).add({ kind: 'hardware', commands: [says('late')] });
  t.equal(other.arrive(0n)?.breakpoint.kind, 'software');
  t.equal(other.said, 'late', 'commands run where another breakpoint stops');
  t.end();
});
