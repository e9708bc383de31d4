/** What of non-stop is told when: one notification, the rest by vStopped, and nothing twice. */
import test from 'tape';
import { encodeNotification } from '../../../src/rsp/packet-encoder.js';
import { StopNotifications } from '../../../src/rsp/stop-notifications.js';
import type { StopEvent } from '../../../src/target.js';

const stopOf = (thread: number): StopEvent => ({ thread, reason: { kind: 'step' } });

function bench(): { told: string[]; notifications: StopNotifications } {
  const told: string[] = [];
  return { told, notifications: new StopNotifications(({ thread, reason: { kind } }) => `${kind}:${thread}`, (payload) => told.push(payload)) };
}

test('non-stop: the first stop is notified, each vStopped takes one, and then the next is notified again', (t) => {
  const { told, notifications } = bench();
  for (const thread of [3, 1, 2]) notifications.add(stopOf(thread));
  t.deepEqual(told.splice(0), ['Stop:step:3']);
  t.ok(notifications.isUntold(3) && notifications.isUntold(2), 'until it is taken');
  t.equal(notifications.next(), 'step:1');
  t.notOk(notifications.isUntold(3));
  t.equal(notifications.next(), 'step:2');
  notifications.add(stopOf(3));
  t.equal(notifications.next(), 'step:3', 'one that came meanwhile');
  t.equal(notifications.next(), 'OK');
  t.equal(notifications.next(), 'OK', 'a vStopped too many');
  t.deepEqual(told, []);
  notifications.add(stopOf(1));
  t.deepEqual(told, ['Stop:step:1']);
  t.end();
});

test('non-stop: ? tells one, and the others when the client has got to know the threads', (t) => {
  const { told, notifications } = bench();
  const standing = (stop: StopEvent): string => `stands:${stop.thread}`;
  notifications.add(stopOf(2));
  told.splice(0);
  t.equal(notifications.restart([1, 2, 3].map(stopOf), standing), 'stands:1');
  t.equal(notifications.next(), 'OK');
  for (const packet of ['?', 'vStopped', 'Hgp1.1', 'm7c00,1', 'qXfer:th']) notifications.answered(packet);
  t.deepEqual(told, []);
  t.ok(notifications.isUntold(3));
  notifications.answered('qSymbol:');
  t.deepEqual(told, ['Stop:requested:2'], 'with signal 0');
  t.equal(notifications.next(), 'requested:3');
  t.equal(notifications.next(), 'OK');
  t.equal(notifications.restart([], standing), 'OK', 'all run');
  t.end();
});

test('non-stop: a client that says nothing has got to know the threads', async (t) => {
  const { told, notifications } = bench();
  notifications.restart([1, 2].map(stopOf), String);
  notifications.next();
  notifications.answered('m7c00,1');
  await new Promise((resolve) => setTimeout(resolve, 150));
  t.deepEqual(told, ['Stop:requested:2']);
  notifications.restart([1, 2].map(stopOf), String);
  notifications.answered('?');
  notifications.clear();
  await new Promise((resolve) => setTimeout(resolve, 150));
  t.equal(told.length, 1, 'one that has gone is told nothing');
});

test('non-stop: the end is waited for until it is taken, or for a second', async (t) => {
  const { notifications } = bench();
  let ends = 0;
  notifications.whenTold(() => ends++);
  t.equal(ends, 1, 'nothing waits');
  notifications.add(stopOf(1));
  notifications.whenTold(() => ends++);
  t.equal(ends, 1);
  notifications.next();
  t.equal(ends, 2);
  notifications.add(stopOf(1));
  await new Promise<void>((resolve) => notifications.whenTold(resolve));
  t.pass('a client that does not take it');
  notifications.whenTold(() => ends++);
  notifications.close();
  await new Promise((resolve) => setTimeout(resolve, 1100));
  t.equal(ends, 2, 'one that has gone');
});

test('a notification on the wire', (t) => {
  t.equal(encodeNotification('Stop:T05').toString('latin1'), '%Stop:T05#99');
  t.end();
});
