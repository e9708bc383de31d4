/** Non-stop in stock gdb: threads of a kernel with four processors stop and go one by one. */
import test from 'tape';
import { GdbConsole } from './support/gdb-console.js';
import { buildGuests } from './support/gdb-session.js';
import { changes, FOUR, runningThreads, stopAll, withNonStopGdb, workForEver } from './support/non-stop-console.js';

/** What the guest does once. */
const JOBS = 30;
buildGuests();

test('non-stop: one thread stops and is stepped while the others work; breakpoints and memory while all run', async (t) => {
  await withNonStopGdb(FOUR, async (gdb) => {
    t.deepEqual(await runningThreads(gdb), [2, 3, 4], 'processors that wait for SIPI run, as far as gdb knows');
    await workForEver(gdb);
    t.deepEqual(await runningThreads(gdb), [1, 2, 3, 4]);
    t.match(await gdb.run('print $pc'), /Selected thread is running/);

    t.match(await gdb.run('break do_job thread 3'), /Breakpoint 1 at/, 'while all run');
    t.match(await gdb.event(/Thread 3 "cpu2" hit Breakpoint 1, do_job \(job=.*\n/), /id=\d\)/);
    t.deepEqual(await runningThreads(gdb), [1, 2, 4]);
    t.ok(await changes(gdb, 'next_job'), 'the others work on');
    t.match(await gdb.run('thread 3'), /do_job/);
    t.match(await gdb.run('backtrace'), /#0.*do_job[^]*#1.*work[^]*#2.*worker/);
    const code = await gdb.run('x/4xb do_job');
    t.doesNotMatch(code, /0xcc|0xf4/, 'no patch is seen, though the others run with it');
    t.match(await gdb.run('stepi 5'), /^(0x[0-9a-f]+\t)?\d+\t/m);
    t.match(await gdb.run('next'), /steps/);
    t.deepEqual(await runningThreads(gdb), [1, 2, 4], 'steps of one');
    await gdb.run('delete 1');
    await gdb.run('continue &');
    t.deepEqual(await runningThreads(gdb), [1, 2, 3, 4]);

    await gdb.run('thread 2');
    await gdb.run('interrupt');
    await gdb.event(/Thread 2 "cpu1" stopped\./);
    t.deepEqual(await runningThreads(gdb), [1, 3, 4], 'one alone is interrupted');
    await stopAll(gdb);
    t.equal([...(await gdb.run('thread apply all -q backtrace 1')).matchAll(/^#0 /gm)].length, 4);
    t.notOk(await changes(gdb, 'next_job'), 'all stand');

    await gdb.run('watch jobs_done if jobs_done > 0');
    await gdb.run('continue -a &');
    // One at least: gdb lets a thread go on whose write it has already seen at the stop of another.
    const writer = /Thread (\d)/.exec(await gdb.event(/Thread \d "cpu\d" hit (?:Hardware w|W)atchpoint \d+: jobs_done/))?.[1];
    t.notOk((await runningThreads(gdb)).includes(Number(writer)), `thread ${writer} stands at the watchpoint`);
    await gdb.run('delete');
    await stopAll(gdb);
    await gdb.run('set var keep_working = 0');
    await gdb.run('continue -a &');
    await gdb.event(/exited normally/);
    t.match(await gdb.run('info threads'), /No threads/);
  });
});

test('non-stop: four come to one breakpoint, each job is one stop, and each thread leaves it by itself', async (t) => {
  await withNonStopGdb(FOUR, async (gdb) => {
    await gdb.run('break do_job');
    await gdb.run('continue -a &');
    const jobs: number[] = [];
    for (let i = 0; i < JOBS; i++) {
      const thread = /Thread (\d)/.exec(await gdb.event(/Thread \d "cpu\d" hit Breakpoint 1, /))?.[1];
      await gdb.run(`thread ${thread}`);
      jobs.push(Number(/= (\d+)/.exec(await gdb.run('print job->number'))?.[1]));
      await gdb.run('continue &');
    }
    t.deepEqual(jobs.sort((a, b) => a - b), Array.from({ length: JOBS }, (_, i) => i + 1), 'none lost, none twice');
    await gdb.event(/exited normally/);
    t.pass('and the end');
  });
});

test('non-stop: Ctrl-C stops the thread that was continued; a client that goes away leaves a guest that all-stop takes up', async (t) => {
  await withNonStopGdb(FOUR, async (gdb, server) => {
    await workForEver(gdb);
    await gdb.run('thread 2');
    await gdb.run('interrupt');
    await gdb.event(/Thread 2 "cpu1" stopped\./);
    gdb.begin('continue');
    await new Promise((resolve) => setTimeout(resolve, 100));
    gdb.interrupt();
    t.match(await gdb.answer(), /Thread 2 "cpu1" received signal SIGINT/);
    t.deepEqual(await runningThreads(gdb), [1, 3, 4]);
    await gdb.crash();

    const other = new GdbConsole();
    try {
      await other.run('file build/workers.elf');
      t.doesNotMatch(await other.run(`target remote ${server.address}`), /rror|refused/);
      t.deepEqual(await runningThreads(other), [], 'all stand');
      t.notOk(await changes(other, 'next_job'));
      await other.run('set var keep_working = 0');
      t.match(await other.run('continue'), /exited normally/);
    } finally {
      await other.crash();
    }
  });
});

test('non-stop: who stood when gdb came is shown as stopped; detach lets all go on to the end', async (t) => {
  await withNonStopGdb(FOUR, async (gdb, server) => {
    await workForEver(gdb);
    await stopAll(gdb);
    await gdb.run('disconnect');
    await gdb.run(`target remote ${server.address}`);
    for (let i = 0; i < 100 && (await runningThreads(gdb)).length > 0; i++);
    t.deepEqual(await runningThreads(gdb), []);
    t.equal([...(await gdb.run('thread apply all -q backtrace 1')).matchAll(/^#0 /gm)].length, 4);
    await gdb.run('set var keep_working = 0');
    await gdb.run('thread 4');
    await gdb.run('continue &');
    t.match(await gdb.run('detach'), /detached/);
    const { status, stdout } = await server.ended();
    t.equal(status, 0);
    t.match(stdout, /longest: 27/);
  });
});

test('non-stop with one processor; what gdb cannot be told stands on the server\'s console and before the next monitor command', async (t) => {
  await withNonStopGdb(['build/faults.elf'], async (gdb, server) => {
    await gdb.run('stepi');
    await gdb.run('tbreak choose');
    t.match(await gdb.run('continue'), /Temporary breakpoint 1, choose/);
    await gdb.run('set var which = TRIPLE_FAULT');
    t.match(await gdb.run('continue'), /received signal SIG/);
    t.match(server.output.stderr, /Triple fault on cpu0/);
    t.match(await gdb.run('monitor info cpus'), /Triple fault on cpu0[^]*CPU #0/);
    t.doesNotMatch(await gdb.run('monitor info cpus'), /Triple fault/, 'once');
  });
});
