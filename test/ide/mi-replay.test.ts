/** Editors that cannot run in a test, replayed: each command they send to stock gdb has the answer they need. */
import test from 'tape';
import { buildGuests, startServer } from '../gdb/support/gdb-session.js';
import { miSequences } from './mi-sequences.js';
import { source } from './support/cdt.js';
import { MiClient } from './support/mi-client.js';

buildGuests();

for (const { editor, source: origin, args, rows } of miSequences) {
  test(`${editor}: a session (${origin})`, async (t) => {
    const server = await startServer(['build/kernel64.elf']);
    const program = source('build/kernel64.elf');
    const gdb = new MiClient(args(server.address, program));
    try {
      for (const [command, answer, stop] of rows(server.address, program)) {
        t.match(await gdb.ask(command), answer, command);
        if (stop !== undefined) t.match(await gdb.event('*stopped'), stop, `${command}: the stop`);
      }
      t.notOk(gdb.has('*stopped'), 'no stop is left over');
    } finally {
      await gdb.crash();
      await server.stop();
    }
  });
}
