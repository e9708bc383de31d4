/**
 * What the view on exits costs: a guest that writes to a port as fast as it can, under the debugger's own run loop, with the
 * counters of `monitor info exits` as they always are, without them, and with `--trace-exits`. The ways take turns in one
 * process, so that a busy machine hits all of them alike.
 *
 *   npm run bench:exits
 */
import { performance } from 'node:perf_hooks';
import { ExitTrace } from '../src/debugger/exit-trace.js';
import { MachineTarget } from '../src/debugger/machine-target.js';
import { probeThisHost } from '../src/debugger/probe-machine.js';
import { ExitCounters } from '../src/vmm/exit-counters.js';
import { Machine } from '../src/vmm/machine.js';

const EXITS = 10_000;
const ROUNDS = 21;
/** mov ecx, EXITS; 1: out 80h, al; dec ecx; jnz 1b; out f4h, al: the machine ends. */
const CODE = Uint8Array.of(0x66, 0xb9, EXITS & 0xff, EXITS >> 8, 0, 0, 0xe6, 0x80, 0x66, 0x49, 0x75, 0xfa, 0xe6, 0xf4);

class NoCounters extends ExitCounters {
  override count(): void {
    // Nothing is counted.
  }

  override served(): void {
    // Nothing is counted.
  }
}

const WAYS = ['without counters', 'as always', 'with --trace-exits'] as const;
type Way = (typeof WAYS)[number];

const capabilities = probeThisHost();

/** Microseconds for one exit. */
async function sample(way: Way): Promise<number> {
  const machine = Machine.create({ memory: 1 << 20, guest: { bytes: CODE, name: 'exits', boot: 'flat' } });
  try {
    if (way === 'without counters') Object.defineProperty(machine, 'exitCounters', { value: new NoCounters() });
    const trace = way === 'with --trace-exits' ? ExitTrace.open('/dev/null', 1, (sentence) => console.error(sentence)) : undefined;
    const log = trace === undefined ? {} : { served: (exit: Parameters<ExitTrace['add']>[0]): void => trace.add(exit) };
    const target = new MachineTarget(machine, { capabilities: () => capabilities, version: 'bench', log });
    const begin = performance.now();
    await new Promise((resolve) => {
      target.onStop(resolve);
      target.resume([{ kind: 'continue', thread: 1 }]);
    });
    const took = performance.now() - begin;
    trace?.close();
    return (took * 1000) / EXITS;
  } finally {
    machine.close();
  }
}

/** Nanoseconds for the counting of one exit by itself. */
function countingAlone(): number {
  const counters = new ExitCounters();
  const exit = { reason: 'io', port: 0x80 } as Parameters<ExitCounters['served']>[0];
  const count = 1_000_000;
  const begin = performance.now();
  for (let i = 0; i < count; i++) {
    counters.count('io');
    counters.served(exit, i & 0xff);
  }
  return ((performance.now() - begin) * 1e6) / count;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

const samples = new Map<Way, number[]>(WAYS.map((way) => [way, []]));
for (let round = 0; round <= ROUNDS; round++) {
  for (const way of WAYS) {
    const value = await sample(way);
    // The first round warms up.
    if (round > 0) samples.get(way)?.push(value);
  }
}
const bare = median(samples.get('without counters') ?? []);
for (const way of WAYS) {
  const values = samples.get(way) ?? [];
  const middle = median(values);
  const [least = 0, most = 0] = [Math.min(...values), Math.max(...values)];
  const more = way === 'without counters' ? '' : `, ${(((middle - bare) / bare) * 100).toFixed(1)} % more`;
  console.log(`${way.padEnd(20)} ${middle.toFixed(2)} µs an exit (${least.toFixed(2)} to ${most.toFixed(2)})${more}`);
}
console.log(`counting alone       ${countingAlone().toFixed(0)} ns an exit`);
