/**
 * The sessions of examples/guests inside a host (scripts/test-hosts.mjs): same guest, same session, same result. The
 * environment's HOST_SESSIONS says which: `{ "run": [names], "leftOut": { name: why } }`; without it, all of them.
 */
import test from 'tape';
import { compareWithExpected, exampleNames, runExample } from '../gdb/support/example-session.js';
import { buildGuests } from '../gdb/support/gdb-session.js';

interface Sessions {
  readonly run?: readonly string[];
  readonly leftOut?: Readonly<Record<string, string>>;
}

const { run, leftOut = {} } = JSON.parse(process.env['HOST_SESSIONS'] ?? '{}') as Sessions;

test('the guests are built', (t) => {
  buildGuests();
  t.ok(exampleNames().length > 0, 'there are examples');
  for (const name of run ?? []) t.ok(exampleNames().includes(name), `${name} is one of them`);
  t.end();
});

for (const name of run ?? exampleNames()) {
  const reason = leftOut[name];
  test(`the session of ${name}`, async (t) => {
    if (reason !== undefined) {
      t.skip(`the session of ${name}: ${reason}`);
      return;
    }
    t.equal(compareWithExpected(name, await runExample(name)), undefined, 'prints what expected.txt says');
  });
}
