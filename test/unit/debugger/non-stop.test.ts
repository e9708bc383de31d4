/** Non-stop mode on a run control whose machine is parked when the test says so. */
import test from 'tape';
import { NonStop } from '../../../src/debugger/non-stop.js';
import type { ResumeAction, StopEvent } from '../../../src/target.js';

function setUp(): { nonStop: NonStop; log: string[]; park: (stop?: StopEvent) => void } {
  const log: string[] = [];
  const control = {
    running: false, keepsSteps: false,
    resume: (actions: readonly ResumeAction[]) => {
      control.running = true;
      log.push(`resume ${actions.map(({ thread }) => thread).join()}`);
    },
    pause: () => { log.push('pause'); },
    takeQueued: () => undefined,
  };
  const nonStop = new NonStop(control, { onStop: ({ thread }) => log.push(`stop ${thread}`), onFirst: () => undefined, onLast: () => undefined });
  nonStop.enabled = true;
  return {
    nonStop, log,
    park: (stop) => {
      control.running = false;
      nonStop.parked(stop);
    },
  };
}

const goes = (thread: number): ResumeAction => ({ kind: 'continue', thread });

test('non-stop: what waits for the machine when the mode ends is carried out, and pauses nothing afterwards', (t) => {
  const { nonStop, log, park } = setUp();
  nonStop.resume([goes(1), goes(2)]);
  nonStop.stop([1, 2], 'requested');
  nonStop.hold(() => {
    log.push('first');
    nonStop.enabled = false;
    log.push('all-stop');
  });
  nonStop.hold(() => log.push('second'));
  log.splice(0);
  park();
  t.deepEqual(log, ['stop 1', 'stop 2', 'first', 'second', 'all-stop']);
  t.notOk(nonStop.running);
  t.end();
});

test('non-stop: the current thread stands, if any does', (t) => {
  const { nonStop, park } = setUp();
  const threads = [1, 2, 3];
  t.equal(nonStop.standing(2, threads), 2);
  nonStop.resume([goes(2)]);
  t.equal(nonStop.standing(2, threads), 1);
  t.equal(nonStop.standing(3, threads), 3);
  park();
  nonStop.hold(() => nonStop.resume([goes(1), goes(3)]));
  park();
  t.equal(nonStop.standing(2, threads), 2, 'all run: it is held');
  t.end();
});
