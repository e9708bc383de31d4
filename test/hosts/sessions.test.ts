/**
 * The sessions of examples/guests inside a host (scripts/test-hosts.mjs), as planned and by each mechanism alone: same guest,
 * same session, same result. The environment's HOST_SESSIONS says which; without it, all of them.
 */
import test from 'tape';
import { compareWithExpected, exampleNames, FORCED_MECHANISMS, runExample } from '../gdb/support/example-session.js';
import { buildGuests } from '../gdb/support/gdb-session.js';

interface Sessions {
  /** Names; all by default. */
  readonly run?: readonly string[];
  /** By each mechanism too; so by default. */
  readonly forced?: boolean;
  /** What the host survives in some ways only, values of --mechanisms, with more options of the server. */
  readonly rules?: readonly { readonly session: string; readonly ways: readonly string[]; readonly options: readonly string[]; readonly reason: string }[];
}

const { run = exampleNames(), forced = true, rules = [] } = JSON.parse(process.env['HOST_SESSIONS'] ?? '{}') as Sessions;

test('the guests are built', (t) => {
  buildGuests();
  t.ok(exampleNames().length > 0, 'there are examples');
  for (const name of run) t.ok(exampleNames().includes(name), `${name} is one of them`);
  t.end();
});

for (const name of run) {
  const rule = rules.find(({ session }) => session === name);
  for (const mechanisms of [undefined, ...(forced || rule !== undefined ? FORCED_MECHANISMS : [])]) {
    const title = `the session of ${name}, ${mechanisms === undefined ? 'as planned' : `by ${mechanisms}`}`;
    test(title, async (t) => {
      // What is planned may use every mechanism.
      if (rule !== undefined && (mechanisms === undefined || !rule.ways.includes(mechanisms))) {
        t.skip(`${title}: ${rule.reason}`);
        return;
      }
      const options = [...(mechanisms === undefined ? [] : ['--mechanisms', mechanisms]), ...(rule?.options ?? [])];
      t.equal(compareWithExpected(name, await runExample(name, options)), undefined, 'prints what expected.txt says');
    });
  }
}
