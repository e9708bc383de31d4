import test from 'tape';
import { cmosContents } from '../../../../src/vmm/devices/cmos-contents.js';
import { CmosRtc, type RtcHost } from '../../../../src/vmm/devices/cmos-rtc.js';
import { ramLayout } from '../../../../src/vmm/guest-memory.js';

const MIB = 1024 ** 2;
/** Thursday. */
const START = Date.UTC(2026, 0, 1, 23, 59, 58, 500);

/** A clock that a test moves; waiting work is done on its way. */
function bench() {
  let now = START;
  let waiting: { at: number; work: () => void }[] = [];
  const host: RtcHost = {
    now: () => now,
    after: (milliseconds, work) => {
      const entry = { at: now + milliseconds, work };
      waiting.push(entry);
      return () => { waiting = waiting.filter((other) => other !== entry); };
    },
  };
  const edges: number[] = [];
  let level = false;
  const rtc = new CmosRtc(cmosContents({ ram: ramLayout(128 * MIB), cpus: 2 }), (high) => {
    if (high && !level) edges.push(now - START);
    level = high;
  }, host);
  const advance = (milliseconds: number): void => {
    for (const end = now + milliseconds; ;) {
      const next = waiting.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at).at(0);
      if (next === undefined) { now = end; return; }
      waiting = waiting.filter((other) => other !== next);
      now = next.at;
      next.work();
    }
  };
  const read = (index: number): number => { rtc.writePort(0, 1, index); return rtc.readPort(1, 1); };
  const write = (index: number, value: number): void => { rtc.writePort(0, 1, index); rtc.writePort(1, 1, value); };
  const time = (): number[] => [0x32, 9, 8, 7, 6, 4, 2, 0].map(read);
  return { rtc, advance, read, write, time, edges, waiting: () => waiting.length };
}

test('rtc: the time in each format', (t) => {
  const { write, time, advance, read } = bench();
  t.deepEqual(time(), [0x20, 0x26, 0x01, 0x01, 5, 0x23, 0x59, 0x58], 'BCD, 24 hours: century to second');
  write(0x0b, 0x06);
  t.deepEqual(time(), [20, 26, 1, 1, 5, 23, 59, 58], 'binary');
  write(0x0b, 0x00);
  t.equal(read(4), 0x91, '11 in the evening of 12 hours');
  advance(1500);
  t.equal(read(4), 0x12, 'midnight');
  write(0x0b, 0x02);
  t.deepEqual(time(), [0x20, 0x26, 0x01, 0x02, 6, 0, 0, 0], 'the next day');
  t.equal(read(0x0d), 0x80, 'the battery is good');
  t.equal(read(0x0a) & 0x80, 0);
  advance(998);
  t.equal(read(0x0a) & 0x80, 0x80, 'an update is in progress at the end of a second');
  t.end();
});

test('rtc: setting the time', (t) => {
  const { write, time, advance, rtc } = bench();
  write(0x0b, 0x82);
  for (const [index, value] of [[0x32, 0x19], [9, 0x99], [8, 0x12], [7, 0x31], [4, 0x23], [2, 0x59], [0, 0x59]] as const) write(index, value);
  advance(5000);
  t.deepEqual(time(), [0x19, 0x99, 0x12, 0x31, 5, 0x23, 0x59, 0x59], 'frozen while SET is 1');
  write(0x0b, 0x02);
  advance(1000);
  t.deepEqual(time(), [0x20, 0, 1, 1, 7, 0, 0, 0], 'goes on from there');
  write(4, 0x12);
  t.deepEqual(time().slice(5), [0x12, 0, 0], 'one register alone');
  const state = rtc.save();
  rtc.reset();
  t.equal(time()[1], 0x26, 'a reset is power-on');
  rtc.restore(state);
  t.deepEqual(time().slice(0, 6), [0x20, 0, 1, 1, 7, 0x12], 'restored');
  t.throws(() => rtc.restore({}), /no CMOS memory/);
  t.end();
});

test('rtc: interrupts', (t) => {
  const { write, read, advance, edges, waiting } = bench();
  t.equal(waiting(), 0, 'nothing waits while no interrupt is enabled');
  write(0x0b, 0x12);
  advance(600);
  t.deepEqual(edges, [500], 'update ended at the second');
  advance(2000);
  t.equal(edges.length, 1, 'no further one before register C is read');
  t.equal(read(0x0c), 0xf0, 'update and, unasked, the periodic one and midnight\'s alarm');
  t.equal(read(0x0c), 0, 'reading clears it');
  edges.length = 0;

  write(1, 0x03);
  write(3, 0xff);
  write(5, 0xff);
  write(0x0b, 0x22);
  advance(60_000);
  t.deepEqual(edges, [4500], 'alarm at second 3 of any minute');
  t.equal(read(0x0c) & 0xa0, 0xa0);
  edges.length = 0;

  write(0x0a, 0x26); // 1024 Hz
  write(0x0b, 0x42);
  for (let i = 0; i < 100; i++) {
    advance(1);
    read(0x0c);
  }
  t.ok(edges.length >= 99 && edges.length <= 103, `1024 Hz for 100 ms: ${edges.length} interrupts`);
  edges.length = 0;
  advance(10_000);
  for (let i = 0; i < 200; i++) read(0x0c);
  t.ok(edges.length <= 34, `after ten seconds without a look ${edges.length} are made up for`);
  write(0x0b, 0x02);
  t.equal(waiting(), 0);
  t.end();
});

test('cmos: memory sizes, processors, boot order', (t) => {
  const rows: readonly (readonly [number, Readonly<Record<number, number>>])[] = [
    [MIB, { 0x15: 0x80, 0x16: 2, 0x17: 0, 0x18: 0, 0x30: 0, 0x34: 0, 0x5f: 3 }],
    [128 * MIB, { 0x17: 0xff, 0x18: 0xff, 0x30: 0xff, 0x31: 0xff, 0x34: 0, 0x35: 7, 0x5b: 0 }],
    [17 * MIB, { 0x17: 0, 0x18: 0x40, 0x34: 0x10, 0x35: 0 }],
    [5 * 1024 * MIB, { 0x34: 0, 0x35: 0xbf, 0x5b: 0, 0x5c: 0x80, 0x5d: 0 }],
  ];
  for (const [size, expected] of rows) {
    const contents = cmosContents({ ram: ramLayout(size), cpus: 4 });
    for (const [index, value] of Object.entries(expected)) t.equal(contents.get(Number(index)), value, `${size / MIB} MiB, byte 0x${Number(index).toString(16)}`);
  }
  const orders: readonly (readonly [readonly ('disk' | 'cdrom')[], number[]])[] = [
    [[], [0x32, 0x10]], [['cdrom'], [0x23, 0x10]], [['disk', 'disk', 'cdrom'], [0x32, 0x10]], [['cdrom', 'disk'], [0x23, 0x10]],
  ];
  for (const [bootKinds, bytes] of orders) {
    const contents = cmosContents({ ram: [], cpus: 1, bootKinds });
    t.deepEqual([contents.get(0x3d), contents.get(0x38)], bytes, `boot order ${bootKinds.join()}`);
  }
  const { read, write } = bench();
  t.equal(read(0x5f), 1);
  write(0x0f, 0x0a);
  t.equal(read(0x0f), 0x0a, 'the shutdown byte is kept');
  t.equal(read(0x8f), 0x0a, 'bit 7 of the index is the NMI mask');
  t.end();
});
