/** `doctor` where KVM works: everything it says, as text and as data. */
import { spawnSync } from 'node:child_process';
import test from 'tape';
import { measureHostSpeed } from '../../../src/vmm/host/host-speed.js';
import { native } from '../../../src/vmm/native.js';
import { patience } from '../../time-scale.js';
import { SERVER_MAIN } from '../../server-command.js';


function doctor(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SERVER_MAIN, 'doctor', ...args], { encoding: 'utf8', timeout: patience(30_000) });
  if (status !== 0) throw new Error(`doctor ended with ${status}: ${stderr}${stdout}`);
  return stdout;
}

test('doctor: the text has every part', (t) => {
  const text = doctor();
  for (const part of [/^ok {6}\/dev\/kvm opens$/m, /^This host:$/m, /^kernel +\d/m, /^virtualization +\S/m, /^single step +yes/m,
    /^What is therefore used:$/m, /^software breakpoint +(debug register|int3 patch|hlt patch|stepping)/m, /^Speed: a step takes [\d.]+ µs, an exit .* [\d.]+ µs\.$/m]) {
    t.match(text, part);
  }
  t.end();
});

test('doctor: --json carries all of it', (t) => {
  const said = JSON.parse(doctor('--json')) as Record<string, unknown>;
  t.deepEqual(Object.keys(said).sort(), ['capabilities', 'host', 'lines', 'ok', 'planned', 'speed', 'tscCanBeSet']);
  t.equal(said['ok'], true);
  const { kernel, parameters, modules } = said['host'] as { kernel: string; parameters: object; modules: string[] };
  t.match(kernel, /^\d+\.\d+/);
  t.equal(typeof parameters, 'object');
  t.ok(Array.isArray(modules));
  t.end();
});

test('doctor: the speed is measured and leaves nothing', (t) => {
  const before = native().liveObjects();
  measureHostSpeed();
  const begin = performance.now();
  const { stepMicroseconds, exitMicroseconds } = measureHostSpeed();
  const took = performance.now() - begin;
  // Half of the rounds are not faster than the median; two of sixteen each are the fewest.
  t.ok(took * 1000 > 16 * (stepMicroseconds + exitMicroseconds), `${took.toFixed(1)} ms`);
  t.ok(stepMicroseconds > 0.1 && exitMicroseconds > 0.1, `${stepMicroseconds} and ${exitMicroseconds} µs`);
  t.deepEqual(native().liveObjects(), before);
  t.end();
});
