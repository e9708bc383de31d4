import test from 'tape';
import { StartOrder } from '../../../src/debugger/start-order.js';
import { guestDebug } from '../../../src/debugger/guest-debug.js';
import type { RunPlan } from '../../../src/vmm/run-plan.js';

type AStart = Parameters<StartOrder['of']>[0][number];

const PLAN: RunPlan = { mode: 'continue', debug: guestDebug({}), waitMicroseconds: 300, fresh: true };
const starts = (kinds: readonly ('step' | 'continue')[]): AStart[] =>
  kinds.map((kind, i) => ({ action: { kind, thread: i + 1 }, start: { kind: 'again', plan: PLAN } }));
const order = (of: readonly AStart[]): number[] => of.map(({ action }) => action.thread);
const waits = (of: readonly AStart[]): (number | undefined)[] => of.map(({ start }) => (start.kind === 'again' ? start.plan.waitMicroseconds : undefined));

test('start order: a step is first, but not all the time', (t) => {
  const startOrder = new StartOrder();
  const step = starts(['step', 'continue', 'continue']);
  t.deepEqual(order(startOrder.of(step, 1000)), [2, 3, 1], 'the others have not run for long');
  t.deepEqual(order(startOrder.of(step, 1001)), [1, 2, 3]);
  t.deepEqual(order(startOrder.of(step, 1019)), [1, 2, 3]);
  t.deepEqual(order(startOrder.of(step, 1020)), [2, 3, 1]);
  t.deepEqual(order(startOrder.of(starts(['continue', 'continue']), 1050)), [1, 2]);
  t.deepEqual(order(startOrder.of(step, 1060)), [1, 2, 3], 'they have just run');
  t.deepEqual(order(startOrder.of(starts(['step']), 2000)), [1]);
  t.end();
});

test('start order: threads that all continue take turns', (t) => {
  const startOrder = new StartOrder();
  const three = starts(['continue', 'continue', 'continue']);
  t.deepEqual([0, 1, 2, 3].map(() => order(startOrder.of(three))), [[1, 2, 3], [2, 3, 1], [3, 1, 2], [1, 2, 3]]);
  t.end();
});

test('start order: the first and each step are waited for', (t) => {
  const startOrder = new StartOrder();
  t.deepEqual(waits(startOrder.of(starts(['continue', 'continue', 'continue']), 1000)), [300, 0, 0]);
  t.deepEqual(waits(startOrder.of(starts(['step', 'continue', 'step']), 1001)), [300, 0, 300]);
  t.deepEqual(waits(startOrder.of(starts(['continue']), 1002)), [300]);
  t.end();
});
