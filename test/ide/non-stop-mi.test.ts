/** Non-stop as editors ask for it through gdb's machine interface: `non-stop`, `mi-async`, `--all` and `--thread`. */
import test from 'tape';
import { buildGuests, startServer } from '../gdb/support/gdb-session.js';
import { FOUR } from '../gdb/support/non-stop-console.js';
import { source } from './support/cdt.js';
import { MiClient } from './support/mi-client.js';

buildGuests();

/** The states that -thread-info gives, by thread. */
async function states(gdb: MiClient): Promise<string[]> {
  const rows = [...(await gdb.ask('-thread-info')).matchAll(/\{id="(\d)".*?state="(\w+)"/g)];
  return rows.sort(([, a], [, b]) => Number(a) - Number(b)).map(([, , state]) => state);
}

test('MI: threads of four processors are continued, interrupted and stepped one by one and together', async (t) => {
  const server = await startServer(FOUR);
  const gdb = new MiClient();
  try {
    for (const command of ['-gdb-set mi-async 1', '-gdb-set non-stop 1', `-file-exec-and-symbols ${source('build/workers.elf')}`]) t.equal(await gdb.ask(command), '^done', command);
    t.match(await gdb.ask(`-target-select remote ${server.address}`), /^\^connected/);
    t.match(await gdb.event('*stopped'), /thread-id="1",stopped-threads=\["1"\]/, 'the boot processor; the others wait to be started');
    await gdb.ask('-gdb-set var keep_working=1');
    t.match(await gdb.ask('-break-insert -p 3 do_job'), /^\^done,bkpt=/);
    t.match(await gdb.ask('-exec-continue --all'), /^\^running/);
    t.match(await gdb.event('*stopped,reason="breakpoint-hit"'), /func="do_job".*thread-id="3",stopped-threads=\["3"\]/, 'one stops');
    t.deepEqual(await states(gdb), ['running', 'running', 'stopped', 'running']);
    t.match(await gdb.ask('-stack-list-frames --thread 3'), /func="do_job".*func="work".*func="worker"/);
    t.match(await gdb.ask('-exec-next --thread 3'), /^\^running/);
    t.match(await gdb.event('*stopped,reason="end-stepping-range"'), /thread-id="3",stopped-threads=\["3"\]/);
    t.match(await gdb.ask('-data-evaluate-expression --thread 3 job->number'), /^\^done,value="\d+"/);
    t.match(await gdb.ask('-exec-interrupt --thread 2'), /^\^done/);
    t.match(await gdb.event('*stopped,reason="signal-received",signal-name="0"'), /thread-id="2",stopped-threads=\["2"\]/);
    t.match(await gdb.ask('-break-delete'), /^\^done/);
    t.match(await gdb.ask('-exec-continue --thread 3'), /^\^running/);
    t.match(await gdb.ask('-exec-interrupt --all'), /^\^done/);
    const stopped = new Set<string | undefined>();
    while (stopped.size < 3) stopped.add(/thread-id="(\d)"/.exec(await gdb.event('*stopped,reason="signal-received"'))?.[1]);
    t.deepEqual(await states(gdb), ['stopped', 'stopped', 'stopped', 'stopped']);
    t.notOk(gdb.has('*stopped'), 'no stop is left over');
    t.equal(await gdb.ask('-gdb-set var keep_working=0'), '^done');
    t.match(await gdb.ask('-exec-continue --all'), /^\^running/);
    t.match(await gdb.event('*stopped,reason="exited'), /exited-normally/);
  } finally {
    await gdb.crash();
    await server.stop();
  }
});
