/** Exits as a view: `monitor info exits` and the trace of a real run say the same. */
import test, { type Test } from 'tape';
import type { ServedExit } from '../../../src/debugger/debug-log.js';
import { ExitTrace } from '../../../src/debugger/exit-trace.js';
import { MachineTarget } from '../../../src/debugger/machine-target.js';
import type { StopEvent } from '../../../src/target.js';
import { Machine } from '../../../src/vmm/machine.js';
import { hostCapabilities } from './guest-under-debug.js';

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly ts: number;
  readonly dur: number;
  readonly args: Readonly<Record<string, unknown>>;
}

// Protected mode: mov ecx,2000; 1: out e9,al; in al,81; mov [fec00004],eax; dec ecx; jnz 1b; mov al,5; out f4,al; hlt
const CODE = [0xb9, 0xd0, 0x07, 0, 0, 0xe6, 0xe9, 0xe4, 0x81, 0xa3, 4, 0, 0xc0, 0xfe, 0x49, 0x75, 0xf4, 0xb0, 5, 0xe6, 0xf4, 0xf4];
const ROUNDS = 2000;

function traceText(target: MachineTarget, command: string): string {
  let text = '';
  target.monitor.execute(command, (part) => { text += part; });
  return text;
}

/** The number in a table's row and column. */
function cells(text: string, row: RegExp): string[] {
  const line = text.split('\n').find((candidate) => row.test(candidate));
  if (line === undefined) throw new Error(`no row ${row} in ${text}`);
  return line.trim().split(/ {2,}/);
}

/** Trace Event Format, "Complete events" and "Metadata events": all fields, in their types and units, and no other. */
function checkFormat(t: Test, text: string): void {
  const wrong: string[] = [];
  const named = new Set<unknown>();
  const last = new Map<unknown, number>();
  const need = (condition: boolean, what: string, event: unknown): void => {
    if (!condition) wrong.push(`${what}: ${JSON.stringify(event)}`);
  };
  for (const event of JSON.parse(text) as Record<string, unknown>[]) {
    const { name, ph, pid, tid, args } = event;
    need(typeof name === 'string' && name !== '' && Number.isInteger(pid) && Number.isInteger(tid), 'name, pid, tid', event);
    need(typeof args === 'object' && args !== null, 'args', event);
    if (ph === 'M') {
      need(Object.keys(event).join() === 'name,ph,pid,tid,args', 'metadata fields', event);
      if (name === 'process_name') named.add(`process ${String(pid)}`);
      if (name === 'thread_name') named.add(`thread ${String(pid)}.${String(tid)}`);
      need(['process_name', 'thread_name', 'thread_sort_index'].includes(String(name)), 'a known kind of metadata', event);
      continue;
    }
    const { ts, dur, cat } = event as { ts: number; dur: number; cat: string };
    need(ph === 'X' && Object.keys(event).join() === 'name,cat,ph,ts,dur,pid,tid,args', 'fields of a complete event', event);
    need(/^exit,[a-z-]+$/.test(cat), 'categories', event);
    need(Number.isFinite(ts) && Number.isFinite(dur) && ts >= 0 && dur >= 0, 'times', event);
    need(named.has(`process ${String(pid)}`) && named.has(`thread ${String(pid)}.${String(tid)}`), 'named before it is used', event);
    // A nanosecond, to which times are rounded.
    need(ts >= (last.get(tid) ?? 0) - 0.002, 'monotone on its track, and no bar within another', event);
    last.set(tid, ts + dur);
  }
  t.deepEqual(wrong.slice(0, 5), [], 'the format');
}

async function runTraced(t: Test, check: (events: TraceEvent[], machine: Machine, target: MachineTarget) => void): Promise<void> {
  const machine = Machine.create({ memory: 4 << 20, guest: { bytes: Uint8Array.from(CODE), name: 'test', boot: 'flat', mode: 'protected' } });
  try {
    let text = '';
    const trace = new ExitTrace(1, (chunk) => { text += chunk; }, (sentence) => t.fail(sentence));
    const target = new MachineTarget(machine, { capabilities: hostCapabilities, log: { served: (exit: ServedExit) => trace.add(exit) } });
    const run = (kind: 'step' | 'continue'): Promise<StopEvent> => new Promise((resolve) => {
      const listening = target.onStop((stop) => {
        listening.dispose();
        resolve(stop);
      });
      target.resume([{ kind, thread: 1 }]);
    });
    await run('step');
    await run('step');
    t.equal((await run('continue')).reason.kind, 'exited');
    trace.close();
    checkFormat(t, text);
    check((JSON.parse(text) as TraceEvent[]).filter(({ ph }) => ph === 'X'), machine, target);
  } finally {
    machine.close();
  }
}

test('the trace of a run has every exit that was counted, with where and how long', async (t) => {
  await runTraced(t, (events, machine) => {
    const traced = new Map<unknown, number>();
    for (const { args } of events) traced.set(args['reason'], (traced.get(args['reason']) ?? 0) + 1);
    t.deepEqual(Object.fromEntries(traced), Object.fromEntries(machine.counters.exits), 'as many of each reason');
    const named = (name: string): TraceEvent[] => events.filter((event) => event.name === name);
    t.deepEqual(['out 0xe9', 'in 0x81', 'write 0xfec00000', 'out 0xf4'].map((name) => named(name).length), [ROUNDS, ROUNDS, ROUNDS, 1]);
    t.ok(named('write 0xfec00000').every(({ args }) => args['address'] === '0xfec00004' && args['size'] === 4), 'address and size');
    t.ok(named('out 0xe9').every(({ args }) => args['pc'] === '0x100005' || args['pc'] === '0x100007'), 'pc: at the OUT or just behind it');
    t.ok(events.every(({ ts, dur }) => ts >= 0 && dur >= 0), 'times');
    t.equal(events.findIndex(({ ts, dur }, index) => index + 1 < events.length && ts + dur > events[index + 1].ts + 0.002), -1, 'one after the other on the track');
  });
});

test('monitor info exits: plain counts first, then rates, times and places', async (t) => {
  await runTraced(t, (_events, machine, target) => {
    const text = traceText(target, 'info exits');
    t.match(text, /^io +4001\nmmio +2000\n/);
    t.match(text, /^port 0x0081: no device, 2000 accesses$/m);
    const [, fresh, rate, mean, p99, longest] = cells(text, /^io {8,}.*\./);
    t.equal(fresh, '4001');
    t.ok(Number(rate) > 0 && Number(mean) > 0, `${rate} a second, ${mean} us each`);
    t.ok(Number(p99) > 0 && Number(longest) >= Number(p99), `p99 ${p99} us, longest ${longest} us`);
    t.deepEqual(['port 0x00e9', 'port 0x0081', 'page 0xfec00000', 'port 0x00f4'].map((where) => cells(text, new RegExp(`^${where} .*\\.`))[1]),
      ['2000', '2000', '2000', '1']);
    t.equal(cells(traceText(target, 'info exits'), /^io {8,}.*\./)[1], '0', 'nothing came since that look');
    const { served } = machine.exitCounters.reasons[0];
    t.equal(served.count, 4001, 'every exit has a time');
  });
});

test('monitor info exits: every column, with a device of known slowness', async (t) => {
  // mov ecx,100; 1: out e9,al; mov [fec00004],eax; dec ecx; jnz 1b; mov al,5; out f4,al: 101 port and 100 MMIO exits.
  const code = [0xb9, 100, 0, 0, 0, 0xe6, 0xe9, 0xa3, 4, 0, 0xc0, 0xfe, 0x49, 0x75, 0xf6, 0xb0, 5, 0xe6, 0xf4, 0xf4];
  const SLOW_MS = 20, SLOW = 3;
  let writes = 0;
  // 3 of the 101 are slow, so the 99th percentile is one of them.
  const slowConsole = { write: (): void => { for (const end = performance.now() + (writes++ < SLOW ? SLOW_MS : 0); performance.now() < end;); } };
  const began = performance.now();
  const machine = Machine.create({ memory: 4 << 20, guest: { bytes: Uint8Array.from(code), name: 'test', boot: 'flat', mode: 'protected' }, debugConsole: slowConsole });
  try {
    const target = new MachineTarget(machine, { capabilities: hostCapabilities });
    await new Promise<void>((resolve) => {
      target.onStop(() => resolve());
      target.resume([{ kind: 'continue', thread: 1 }]);
    });
    const text = traceText(target, 'info exits');
    const most = (performance.now() - began) / 1000;
    t.equal(writes, 100, 'the device was written to');
    const [, fresh, rate, mean, p99, longest] = cells(text, /^io {8,}.*\./).map(Number);
    const seconds = Number(/Since the last look, ([\d.]+) s/.exec(text)?.[1]);
    t.equal(fresh, 101);
    t.ok(seconds <= most + 0.05 && seconds >= (SLOW * SLOW_MS) / 1000 - 0.05, `${seconds} s of ${most}`);
    t.ok(rate >= 101 / most - 0.1 && rate <= 101 / ((SLOW * SLOW_MS) / 1000), `${rate} a second`);
    t.ok(mean >= (SLOW * SLOW_MS * 1000) / 101, `mean ${mean} us`);
    t.ok(p99 >= SLOW_MS * 1000 && p99 <= longest * (17 / 16) + 0.1 && longest >= SLOW_MS * 1000, `p99 ${p99}, longest ${longest} us`);
    const [, mmioFresh, , mmioMean] = cells(text, /^mmio {8,}.*\./).map(Number);
    t.equal(mmioFresh, 100);
    const place = (row: RegExp): number[] => cells(text, row).slice(1).map(Number);
    const [count, placeMean, total] = place(/^port 0x00e9 .*\./);
    t.equal(count, 100);
    t.ok(total >= SLOW * SLOW_MS && Math.abs(placeMean * 100 / 1000 - total) < 0.01, `${total} ms at the port, ${placeMean} us each`);
    const [, , endTotal] = place(/^port 0x00f4 .*\./);
    t.ok(Math.abs(mean * 101 / 1000 - total - endTotal) < 0.02, 'the ports together are the row of io');
    const [pageCount, pageMean] = place(/^page 0xfec00000 .*\./);
    t.deepEqual([pageCount, pageMean], [100, mmioMean], 'one page is the row of mmio');
    const order = text.slice(text.indexOf('The slowest')).split('\n').slice(2).filter((line) => line !== '').map((line) => Number(line.trim().split(/ {2,}/)[3]));
    t.deepEqual(order, order.toSorted((a, b) => b - a), 'the slowest first');
  } finally {
    machine.close();
  }
});

test('monitor info exits before the first exit', (t) => {
  const machine = Machine.create({ memory: 1 << 20 });
  const target = new MachineTarget(machine, { capabilities: hostCapabilities });
  t.equal(traceText(target, 'info exits'), 'No exits yet.\n');
  machine.close();
  t.end();
});
