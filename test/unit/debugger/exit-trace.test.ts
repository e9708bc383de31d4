import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'tape';
import type { ServedExit } from '../../../src/debugger/debug-log.js';
import { ExitTrace } from '../../../src/debugger/exit-trace.js';

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly ts?: number;
  readonly dur?: number;
  readonly tid: number;
  readonly args: Readonly<Record<string, unknown>>;
}

const io = (cpu: number, began: number): ServedExit => ({
  cpu, pc: 0x7c05n, began, ended: began + 0.25,
  exit: { reason: 'io', direction: 'out', size: 1, port: 0x3f8, count: 3, data: new Uint8Array(3) },
});

const parse = (text: string): TraceEvent[] => JSON.parse(text) as TraceEvent[];

function collecting(cpus = 1, onError: (sentence: string) => void = () => undefined): { written: string[]; trace: ExitTrace } {
  const written: string[] = [];
  return { written, trace: new ExitTrace(cpus, (text) => written.push(text), onError, undefined, 1000) };
}

test('exit trace: a track per vCPU, and a complete event per exit with its place', (t) => {
  const { written, trace } = collecting(2);
  trace.add(io(0, 1001));
  trace.add({ cpu: 1, pc: 0x10_0000n, began: 1002, ended: 1002.001, exit: { reason: 'mmio', isWrite: false, address: 0xfec0_0010n, data: new Uint8Array(4) } });
  trace.add({ cpu: 1, pc: 1n, began: 1003, ended: 1003, exit: { reason: 'debug', exception: 1, pc: 1n, dr6: 0x4000n, dr7: 0n } });
  trace.close();
  const events = parse(written.join(''));
  t.deepEqual(events.filter(({ name }) => name === 'thread_name').map(({ tid, args }) => [tid, args['name']]), [[1, 'cpu0'], [2, 'cpu1']]);
  t.deepEqual(events.filter(({ name }) => name === 'thread_sort_index').map(({ tid, args }) => [tid, args['sort_index']]), [[1, 0], [2, 1]]);
  t.deepEqual(events.filter(({ ph }) => ph === 'X'), [
    { name: 'out 0x3f8', cat: 'exit,io', ph: 'X', ts: 1000, dur: 250, pid: 1, tid: 1, args: { reason: 'io', pc: '0x7c05', direction: 'out', port: '0x3f8', size: 1, count: 3 } },
    { name: 'read 0xfec00000', cat: 'exit,mmio', ph: 'X', ts: 2000, dur: 1, pid: 1, tid: 2, args: { reason: 'mmio', pc: '0x100000', direction: 'read', address: '0xfec00010', size: 4 } },
    { name: 'debug', cat: 'exit,debug', ph: 'X', ts: 3000, dur: 0, pid: 1, tid: 2, args: { reason: 'debug', pc: '0x1', text: 'cpu1 debug vector 1 pc 0x1 dr6 0x4000' } },
  ]);
  t.end();
});

test('exit trace: whatever has been written is a valid array but for the bracket', (t) => {
  const { written, trace } = collecting();
  for (let i = 0; i < 5000; i++) {
    trace.add(io(0, 1001 + i));
    if (i % 500 === 0) t.doesNotThrow(() => parse(`${written.join('')}\n]`), `after ${i + 1} exits, ${written.length} chunks`);
  }
  t.ok(written.length > 5, 'written as it goes');
  t.ok(Math.max(...written.map((chunk) => chunk.length)) < 66_000, 'in chunks of bounded size');
  trace.close();
  trace.close();
  trace.add(io(0, 9999));
  t.equal(parse(written.join('')).filter(({ ph }) => ph === 'X').length, 5000, 'and whole at the end');
  t.end();
});

test('exit trace: a quiet guest\'s exits are written after half a second', async (t) => {
  const { written, trace } = collecting();
  trace.add(io(0, 1001));
  t.notOk(written.join('').includes('0x3f8'), 'not at once');
  await new Promise((resolve) => setTimeout(resolve, 700));
  t.ok(written.join('').includes('0x3f8'));
  trace.close();
});

test('exit trace: a full disk ends the trace in words, once, and nothing else', (t) => {
  const said: string[] = [];
  let closed = 0;
  let room = 1;
  const trace = new ExitTrace(1, () => { if (room-- <= 0) throw new Error('no space'); }, (sentence) => said.push(sentence), () => { closed++; });
  for (let i = 0; i < 2000; i++) trace.add(io(0, i));
  trace.close();
  t.deepEqual(said, ['no space']);
  t.equal(closed, 1);
  t.end();
});

test('exit trace: files', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'exit-trace-'));
  const said: string[] = [];
  const path = join(folder, 'trace.json');
  const trace = ExitTrace.open(path, 1, (sentence) => said.push(sentence));
  trace.add(io(0, performance.now()));
  trace.close();
  t.equal(parse(readFileSync(path, 'utf8')).length, 4);
  t.throws(() => ExitTrace.open(join(folder, 'none', 'x'), 1, () => undefined), /^Error: Cannot write the trace of exits to .*ENOENT/);
  const full = ExitTrace.open('/dev/full', 1, (sentence) => said.push(sentence));
  full.add(io(0, 1));
  full.close();
  t.equal(said.length, 1);
  t.match(said[0], /^The trace in \/dev\/full ends here: ENOSPC.*\.$/);
  rmSync(folder, { recursive: true });
  t.end();
});
