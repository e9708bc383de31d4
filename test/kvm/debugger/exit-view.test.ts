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

test('monitor info exits before the first exit', (t) => {
  const machine = Machine.create({ memory: 1 << 20 });
  const target = new MachineTarget(machine, { capabilities: hostCapabilities });
  t.equal(traceText(target, 'info exits'), 'No exits yet.\n');
  machine.close();
  t.end();
});
