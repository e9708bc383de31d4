import test from 'tape';
import { StopQueue } from '../../../src/debugger/stop-queue.js';
import type { StopEvent } from '../../../src/target.js';

const stopOf = (thread: number): StopEvent => ({ thread, reason: { kind: 'watchpoint', watch: 'write', address: BigInt(thread) } });
const yes = (): boolean => true;
const pcOf = (thread: number): bigint => BigInt(100 * thread);

test('stop queue: one by one, the oldest first, only of threads that are resumed', (t) => {
  const queue = new StopQueue();
  for (const thread of [3, 2, 4]) queue.add({ stop: stopOf(thread), pc: pcOf(thread), keep: yes });
  t.equal(queue.take([1], pcOf), undefined);
  t.deepEqual([queue.take([1, 2], pcOf), queue.take([1, 2, 3, 4], pcOf), queue.take([1, 2, 3, 4], pcOf), queue.take([1, 2, 3, 4], pcOf)], [stopOf(2), stopOf(3), stopOf(4), undefined]);
  t.end();
});

test('stop queue: what is no longer wanted, or where the pc was moved, is forgotten', (t) => {
  const queue = new StopQueue();
  let wanted = true;
  queue.add({ stop: stopOf(1), pc: pcOf(1), keep: () => wanted });
  queue.add({ stop: stopOf(2), pc: 5n, keep: yes });
  wanted = false;
  t.equal(queue.take([1, 2], pcOf), undefined);
  wanted = true;
  t.equal(queue.take([1, 2], (thread) => (thread === 2 ? 5n : pcOf(thread))), undefined, 'for good');
  queue.add({ stop: stopOf(1), pc: pcOf(1), keep: yes });
  queue.clear();
  t.equal(queue.take([1], pcOf), undefined, 'after a reset too');
  t.end();
});

test('stop queue: what is no longer wanted may leave another stop', (t) => {
  const queue = new StopQueue();
  let wanted = false;
  const otherwise: StopEvent = { thread: 1, reason: { kind: 'step' } };
  queue.add({ stop: stopOf(1), pc: pcOf(1), keep: () => wanted, otherwise });
  queue.add({ stop: stopOf(2), pc: pcOf(2), keep: yes });
  t.deepEqual(queue.take([1, 2], pcOf), otherwise);
  t.deepEqual(queue.take([1, 2], pcOf), stopOf(2));
  queue.add({ stop: stopOf(1), pc: pcOf(1), keep: () => wanted, otherwise });
  t.equal(queue.take([1], () => 5n), undefined, 'not where the pc was moved');
  wanted = true;
  queue.add({ stop: stopOf(1), pc: pcOf(1), keep: () => wanted, otherwise });
  t.deepEqual([queue.take([1], pcOf), queue.take([1], pcOf)], [stopOf(1), undefined], 'nor behind the one that is told');
  t.end();
});
