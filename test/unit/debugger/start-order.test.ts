import test from 'tape';
import { StartOrder } from '../../../src/debugger/start-order.js';
import type { ResumeAction } from '../../../src/target.js';

const starts = (kinds: readonly ('step' | 'continue')[]): { action: ResumeAction }[] => kinds.map((kind, i) => ({ action: { kind, thread: i + 1 } }));
const order = (of: readonly { action: ResumeAction }[]): number[] => of.map(({ action }) => action.thread);

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
