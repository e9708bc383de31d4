/** Ticks of our PIT that are masked at both controllers wake nobody. */
import test from 'tape';
import { setTimeout as sleep } from 'node:timers/promises';
import { patience, TIME_SCALE } from '../../time-scale.js';
import { withMachine } from './machine-under-debug.js';
import { pitGuest } from './timer-guests.js';

const COUNTER = 0x600;
const MASTER_DATA = 0x21, ONLY_TIMER = 0xfe, ALL = 0xff;
/** 12 kHz; a slow host has enough to do with fewer. */
const DIVISOR = 100 * TIME_SCALE;
const MASKED_MILLISECONDS = 200;

test('a fast PIT, masked and let through again, --irqchip split', (t) => withMachine({ guest: { name: 'pit', bytes: pitGuest(DIVISOR), boot: 'flat' }, irqchip: 'split', memory: 1 << 20 }, async (guest) => {
  const { machine, target } = guest;
  const counted = (): number => new DataView(machine.memory.read(COUNTER, 4).buffer).getUint32(0, true);
  const { clock } = machine;
  const at = clock.at.bind(clock);
  let timers = 0;
  clock.at = (time, work) => {
    timers++;
    return at(time, work);
  };
  const run = async (isDone: () => boolean): Promise<void> => {
    const stop = guest.continue();
    for (const end = Date.now() + patience(10_000); !isDone() && Date.now() < end;) await sleep(5);
    target.interrupt();
    await stop;
  };
  await run(() => counted() > 20);
  t.ok(timers > 20, `${timers} timers for ${counted()} ticks`);

  machine.ports.write(MASTER_DATA, 1, ALL);
  await run(() => true);
  timers = 0;
  const masked = counted();
  const until = Date.now() + MASKED_MILLISECONDS;
  await run(() => Date.now() > until);
  t.ok(timers <= 4, `${timers} timers in ${MASKED_MILLISECONDS} ms`);
  t.equal(counted(), masked);

  machine.ports.write(MASTER_DATA, 1, ONLY_TIMER);
  await run(() => counted() > masked + 20);
  t.ok(counted() > masked + 20, 'they come again');
}));
