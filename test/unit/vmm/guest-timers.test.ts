/** Timers of the guest's clock, with a clock that the test turns. */
import test from 'tape';
import { GuestTimers } from '../../../src/vmm/guest-timers.js';

const MILLISECOND = 1_000_000n;
const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

test('guest timers: in time, called off, and not while the clock stands', async (t) => {
  let now = 0n;
  const timers = new GuestTimers(() => now);
  const done: string[] = [];
  const at = (time: bigint, name: string): (() => void) => timers.at(time, () => done.push(name));
  at(0n, 'due');
  const off = at(0n, 'called off');
  off();
  at(MILLISECOND, 'in a millisecond');
  t.deepEqual(done, [], 'from the event loop alone');
  await sleep(10);
  t.deepEqual(done, ['due'], 'the host may have waited, but the guest\'s clock has not come there');
  now = MILLISECOND;
  await sleep(10);
  t.deepEqual(done, ['due', 'in a millisecond']);

  at(MILLISECOND, 'held');
  timers.hold();
  at(MILLISECOND, 'while it stands');
  const offWhileHeld = at(MILLISECOND, 'called off while it stands');
  offWhileHeld();
  await sleep(10);
  t.equal(done.length, 2, 'nothing while it stands');
  timers.release();
  await sleep(10);
  t.deepEqual(done.slice(2), ['held', 'while it stands'], 'each once when it goes on');
});
