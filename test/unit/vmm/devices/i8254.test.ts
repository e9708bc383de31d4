/** The 8254 by its ports, with a clock of our own (datasheet, September 1993). */
import test from 'tape';
import { I8254, PORT_B } from '../../../../src/vmm/devices/i8254.js';
import { PIT_HZ } from '../../../../src/vmm/devices/i8254-counter.js';

/** A PIT whose clock and timers the test turns. */
class Bench {
  now = 0n;
  edges = 0;
  taken = true;
  idle = false;
  #level = false;
  /** Timers that are set. */
  get waiting(): number {
    return this.#waiting.length;
  }

  #waiting: { readonly time: bigint; readonly work: () => void }[] = [];
  readonly pit = new I8254({
    now: () => this.now,
    at: (time, work) => {
      const waiting = { time, work };
      this.#waiting.push(waiting);
      return () => { this.#waiting = this.#waiting.filter((other) => other !== waiting); };
    },
    setIrq: (level) => {
      if (level && !this.#level) this.edges++;
      this.#level = level;
    },
    isTaken: () => this.taken,
    isIdle: () => this.idle,
  });

  /** Lets so many ticks pass; what becomes due happens then, in time or, `late`, at the end. */
  pass(ticks: number, late = false): void {
    const end = this.now + (BigInt(ticks) * 1_000_000_000n + PIT_HZ - 1n) / PIT_HZ;
    if (late) this.now = end;
    for (;;) {
      const next = this.#waiting.filter(({ time }) => time <= end).sort((a, b) => Number(a.time - b.time))[0] as { time: bigint; work: () => void } | undefined;
      if (next === undefined) break;
      this.#waiting = this.#waiting.filter((other) => other !== next);
      if (next.time > this.now) this.now = next.time;
      next.work();
    }
    this.now = end;
  }

  program(counter: number, control: number, ...count: number[]): void {
    this.pit.writePort(3, 1, (counter << 6) | control);
    for (const byte of count) this.pit.writePort(counter, 1, byte);
  }

  word(counter: number): number {
    return this.pit.readPort(counter, 1) | (this.pit.readPort(counter, 1) << 8);
  }

  /** Mode, access and OUT of a counter, by a read-back command. */
  status(counter: number): number {
    this.pit.writePort(3, 1, 0xe0 | (2 << counter));
    return this.pit.readPort(counter, 1);
  }
}

test('8254: a rate generator interrupts at each period, and counts down in between', (t) => {
  const bench = new Bench();
  bench.program(0, 0x34, 0xe8, 0x03);
  bench.pass(400);
  bench.pit.writePort(3, 1, 0x00);
  bench.pass(100);
  t.equal(bench.word(0), 600, 'the latch holds');
  t.equal(bench.word(0), 500, 'and then the counter is read');
  t.equal(bench.edges, 0);
  bench.pass(500);
  t.equal(bench.edges, 1);
  bench.pass(3000);
  t.equal(bench.edges, 4);
  bench.pass(10_000, true);
  t.equal(bench.edges, 5, 'late: one at once');
  bench.pass(1000);
  t.equal(bench.edges, 9, 'and the others soon after each other');
  bench.taken = false;
  bench.pass(50_000);
  const before = bench.edges;
  t.ok(before <= 10, 'a guest that does not take them is waited for');
  bench.taken = true;
  bench.pit.taken();
  bench.pass(60_000);
  t.ok(bench.edges - before >= 60 && bench.edges - before <= 60 + 60, `${bench.edges - before} edges: at most 32 are made up for at once`);
  t.end();
});

test('8254: one shot, square wave, access by one byte, BCD', (t) => {
  const bench = new Bench();
  bench.program(0, 0x30, 0x64, 0x00);
  t.equal(bench.status(0) & 0x80, 0, 'OUT is low in mode 0');
  bench.pass(100);
  t.deepEqual([bench.edges, bench.status(0)], [1, 0x80 | 0x30]);
  bench.pass(10_000);
  t.equal(bench.edges, 1, 'once');
  bench.program(0, 0x36, 0x10, 0x00);
  bench.pass(3);
  t.deepEqual([bench.status(0) & 0x80, bench.word(0)], [0x80, 10], 'mode 3 counts by two');
  bench.pass(6);
  t.equal(bench.status(0) & 0x80, 0, 'and is low in its second half');
  bench.program(1, 0x15, 0x30);
  bench.pass(1);
  t.equal(bench.pit.readPort(1, 1), 0x29, 'low byte alone, BCD');
  bench.program(1, 0x24, 0x01);
  bench.pass(1);
  t.equal(bench.pit.readPort(1, 1), 0x00, 'high byte alone');
  bench.pit.writePort(3, 1, 0xd4);
  t.equal(bench.pit.readPort(1, 1), 0, 'a count by read-back');
  bench.program(1, 0x30, 0x64, 0x00);
  for (let i = 0; i < 1000; i++) bench.pit.writePort(3, 1, 0xe4);
  bench.pass(200);
  bench.pit.writePort(3, 1, 0xd4);
  bench.pit.restore(bench.pit.save());
  t.deepEqual([0, 1, 2].map(() => bench.pit.readPort(1, 1)), [0x30, 0x9c, 0xff], 'of many latched statuses the first, once; then the count that was latched behind them');
  t.end();
});

test('8254: counter 2, its gate and port 61h', (t) => {
  const bench = new Bench();
  t.equal(bench.pit.readPort(PORT_B, 1) & 0x2f, 0);
  bench.program(2, 0xb0 & 0x3f, 0x64, 0x00);
  bench.pass(1000);
  t.equal(bench.word(2), 100, 'it does not count while the gate is closed');
  bench.pit.writePort(PORT_B, 1, 0x03);
  bench.pass(60);
  t.deepEqual([bench.word(2), bench.pit.readPort(PORT_B, 1) & 0x2f], [40, 0x03]);
  bench.pit.writePort(PORT_B, 1, 0x00);
  bench.pass(1000);
  bench.pit.writePort(PORT_B, 1, 0x01);
  bench.pass(10);
  t.equal(bench.word(2), 30, 'it was held');
  bench.pass(30);
  t.equal(bench.pit.readPort(PORT_B, 1) & 0x20, 0x20, 'OUT');
  const toggles = Array.from({ length: 6 }, () => { bench.now += 15_085n; return bench.pit.readPort(PORT_B, 1) & 0x10; });
  t.equal(new Set(toggles).size, 2, 'the refresh bit toggles');
  bench.program(2, 0x32, 0x64, 0x00);
  t.equal(bench.pit.readPort(PORT_B, 1) & 0x20, 0x20, 'mode 1 waits for a trigger');
  bench.pit.writePort(PORT_B, 1, 0x00);
  bench.pit.writePort(PORT_B, 1, 0x01);
  t.equal(bench.pit.readPort(PORT_B, 1) & 0x20, 0);
  bench.pass(101);
  t.equal(bench.pit.readPort(PORT_B, 1) & 0x20, 0x20);
  t.end();
});

test('8254: ticks that are masked everywhere cost nothing, and are lost', (t) => {
  const bench = new Bench();
  bench.program(0, 0x34, 0x64, 0x00);
  bench.pass(101);
  t.equal(bench.edges, 1);
  bench.idle = true;
  bench.pass(100);
  t.deepEqual([bench.edges, bench.waiting], [2, 0], 'after one at most there is no timer');
  bench.pass(100_000);
  t.equal(bench.edges, 2);
  bench.idle = false;
  bench.pit.taken();
  bench.pass(50);
  t.equal(bench.edges, 2, 'nothing is made up for');
  bench.pass(60);
  t.equal(bench.edges, 3, 'the next comes in its time');
  t.end();
});

test('8254: a gate that moves in each mode', (t) => {
  const bench = new Bench();
  const gate = (level: boolean): void => { bench.pit.writePort(PORT_B, 1, level ? 1 : 0); };
  const out = (): boolean => (bench.pit.readPort(PORT_B, 1) & 0x20) !== 0;
  gate(true);
  bench.program(2, 0x34, 0x64, 0x00);
  bench.pass(99);
  t.notOk(out(), 'mode 2: low for the last tick');
  gate(false);
  t.ok(out(), 'a closed gate sets OUT at once');
  bench.pass(500);
  t.equal(bench.word(2), 1, 'and holds the count');
  gate(true);
  bench.pass(10);
  t.equal(bench.word(2), 90, 'which begins anew when it opens');

  bench.program(2, 0x30, 0x64, 0x00);
  bench.pass(10);
  bench.pit.writePort(2, 1, 0x32);
  gate(false);
  gate(true);
  bench.pass(200);
  t.notOk(out(), 'mode 0: between the bytes of a count it stands, whatever the gate does');
  bench.pit.writePort(2, 1, 0x00);
  bench.pass(51);
  t.ok(out());

  bench.program(2, 0x32, 0x64, 0x00);
  t.equal(bench.status(2) & 0x40, 0x40, 'mode 1: the count waits for its trigger');
  gate(false);
  gate(true);
  bench.pass(20);
  t.equal(bench.status(2) & 0xc0, 0);
  bench.pit.writePort(2, 1, 0x28);
  bench.pit.writePort(2, 1, 0x00);
  bench.pit.restore(JSON.parse(JSON.stringify(bench.pit.save())) as ReturnType<typeof bench.pit.save>);
  bench.pass(70);
  t.deepEqual([out(), bench.word(2), bench.status(2) & 0x40], [false, 10, 0x40], 'a new count leaves the pulse as it is');
  bench.pass(11);
  t.ok(out());
  gate(false);
  t.ok(out(), 'and a falling gate does nothing');
  gate(true);
  bench.pass(39);
  t.notOk(out());
  bench.pass(2);
  t.ok(out(), 'with the next trigger it counts');
  t.end();
});

test('8254: a saved one goes on as it was', (t) => {
  const bench = new Bench();
  bench.program(0, 0x34, 0xe8, 0x03);
  bench.pass(2700);
  const saved = bench.pit.save();
  bench.pass(5000);
  const { edges } = bench;
  bench.pit.restore(JSON.parse(JSON.stringify(saved)) as typeof saved);
  t.equal(bench.word(0), 300);
  bench.pass(301);
  t.equal(bench.edges, edges + 1);
  bench.pit.reset();
  bench.pass(100_000);
  t.equal(bench.edges, edges + 1, 'after a reset it waits to be programmed');
  t.throws(() => bench.pit.restore({}), /^TypeError: A saved 8254 has no counters\.$/);
  t.end();
});
