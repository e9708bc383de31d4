/** scripts/tap-summary.mjs: what `npm test` counts, and that nothing vanishes silently. */
import test from 'tape';
import { script } from '../../project-folders.js';

interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly problem?: string;
}

interface TapSummary {
  readonly summarizeTap: (output: string, status: number) => Summary;
  readonly failuresOf: (output: string) => string;
}

const load = (): Promise<TapSummary> => script<TapSummary>('scripts/tap-summary.mjs');

test('tap summary: passed, failed and skipped are told apart', async (t) => {
  const { summarizeTap } = await load();
  const output = ['TAP version 13', '# a', 'ok 1 x', 'not ok 2 y', '  ---', '    ok: no', '  ...', 'ok 3 z # SKIP no KVM',
    '# SKIP whole test', '1..3', '# tests 3', '# pass 2', '# fail 1', ''].join('\n');
  t.deepEqual(summarizeTap(output, 1), { passed: 1, failed: 1, skipped: 2 });
});

test('tap summary: a file that ends early, asserts nothing or exits badly is a failure', async (t) => {
  const { summarizeTap } = await load();
  t.deepEqual(summarizeTap('TAP version 13\nok 1 x\n', 0),
    { passed: 1, failed: 1, skipped: 0, problem: 'the file ended before all its tests did' }, 'no plan');
  t.deepEqual(summarizeTap('TAP version 13\n1..0\n', 0),
    { passed: 0, failed: 1, skipped: 0, problem: 'the file asserted nothing' }, 'empty');
  t.deepEqual(summarizeTap('TAP version 13\nok 1 x\n1..1\n', 134),
    { passed: 1, failed: 1, skipped: 0, problem: 'every assertion passed but the exit status is 134' }, 'crash at the end');
  t.deepEqual(summarizeTap('', 127).failed, 1, 'did not start');
});

test('tap summary: the failures are shown with their test and without what passed', async (t) => {
  const { failuresOf } = await load();
  const output = '# first\nok 1 x\n# second\nok 2 y\nnot ok 3 z\n  ---\n    operator: equal\n  ...\nok 4 w\n\n1..4\n# tests 4\n';
  t.equal(failuresOf(output), '# second\nnot ok 3 z\n  ---\n    operator: equal\n  ...');
});
