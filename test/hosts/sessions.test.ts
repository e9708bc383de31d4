/**
 * The sessions of examples/guests inside a host (scripts/test-hosts.mjs), as planned and by each mechanism alone: same guest,
 * same session, same result. The environment's HOST_SESSIONS says which; without it, all of them.
 */
import test from 'tape';
import type { Mechanism } from '../../src/breakpoints/planner.js';
import { compareWithExpected, exampleNames, FORCED_MECHANISMS, runExample } from '../gdb/support/example-session.js';
import { buildGuests } from '../gdb/support/gdb-session.js';

interface Sessions {
  /** Names; all by default. */
  readonly run?: readonly string[];
  /** By each mechanism too; so by default. */
  readonly forced?: boolean;
  /** What the host does not survive. */
  readonly leftOut?: readonly { readonly session: string; readonly mechanism: Mechanism; readonly reason: string }[];
}

const { run = exampleNames(), forced = true, leftOut = [] } = JSON.parse(process.env['HOST_SESSIONS'] ?? '{}') as Sessions;

test('the guests are built', (t) => {
  buildGuests();
  t.ok(exampleNames().length > 0, 'there are examples');
  for (const name of run) t.ok(exampleNames().includes(name), `${name} is one of them`);
  t.end();
});

for (const name of run) {
  const ways = [undefined, ...(forced || leftOut.some(({ session }) => session === name) ? FORCED_MECHANISMS : [])];
  for (const mechanisms of ways) {
    const title = `the session of ${name}, ${mechanisms === undefined ? 'as planned' : `by ${mechanisms}`}`;
    // What is planned may use every mechanism.
    const refused = leftOut.find(({ session, mechanism }) => session === name && mechanisms?.split(',').includes(mechanism) !== false);
    test(title, async (t) => {
      if (refused !== undefined) {
        t.skip(`${title}: ${refused.reason}`);
        return;
      }
      const options = mechanisms === undefined ? [] : ['--mechanisms', mechanisms];
      t.equal(compareWithExpected(name, await runExample(name, options)), undefined, 'prints what expected.txt says');
    });
  }
}
