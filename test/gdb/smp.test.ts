/** Several processors in gdb: every stop of each, one thread that moves while the others stay, and all that stand at Ctrl-C. */
import test from 'tape';
import { checkAnswers, untilRunning, withAttachedGdb, type GdbConsole } from './support/gdb-console.js';
import { buildGuests } from './support/gdb-session.js';

const WORKERS = 'build/workers.elf';
const withCpus = (cpus: number): string[] => ['--cpus', String(cpus), WORKERS];
const MACHINE = withCpus(4);
/** The breakpoints of one run, one thread each. */
const JOBS = 30;
buildGuests();

/** Each thread's pc, as gdb sees it. */
async function places(gdb: GdbConsole): Promise<string[]> {
  return [...(await gdb.run('thread apply all -q -- print/x $pc')).matchAll(/0x[0-9a-f]+/g)].map(([pc]) => pc).reverse();
}

async function currentThread(gdb: GdbConsole): Promise<number> {
  return Number(/= (\d+)/.exec(await gdb.run('print $_thread'))?.[1]);
}

async function atFirstJob(gdb: GdbConsole): Promise<void> {
  await gdb.run('tbreak do_job');
  await gdb.run('continue');
}

for (const [cpus, mechanisms] of [[4], [8], [4, 'patch,read-only,step'], [4, 'debug-register,step'], [4, 'step']] as const) {
  test(`${cpus} processors come to one breakpoint, and each job is one stop: ${mechanisms ?? 'as planned'}`, async (t) => {
    await withAttachedGdb([...(mechanisms === undefined ? [] : ['--mechanisms', mechanisms]), ...withCpus(cpus)], async (gdb) => {
      await gdb.run('break do_job');
      const jobs: number[] = [];
      const threads = new Set<number>();
      for (let i = 0; i < JOBS; i++) {
        const stop = await gdb.run('continue');
        if (!/hit Breakpoint 1, |Breakpoint 1, /.test(stop)) {
          t.fail(stop);
          break;
        }
        jobs.push(Number(/= (\d+)/.exec(await gdb.run('print job->number'))?.[1]));
        threads.add(await currentThread(gdb));
      }
      t.deepEqual(jobs.sort((a, b) => a - b), Array.from({ length: JOBS }, (_, i) => i + 1), 'none lost, none twice');
      t.ok(threads.size > 1, `by ${threads.size} threads`);
      t.match(await gdb.run('monitor info breakpoints'), new RegExp(`reached ${JOBS}, hit ${JOBS}`));
      t.match(await gdb.run('continue'), /exited normally/);
    }, WORKERS);
  });
}

for (const cpus of [4, 8]) test(`scheduler-locking on: one thread of ${cpus} moves, the others stay where they are`, async (t) => {
  await withAttachedGdb(withCpus(cpus), async (gdb) => {
    await atFirstJob(gdb);
    await gdb.run('set scheduler-locking on');
    const thread = await currentThread(gdb);
    const before = await places(gdb);
    t.equal(before.length, cpus);
    await gdb.run('stepi 20');
    await gdb.run('next');
    await gdb.run('tbreak collatz_steps');
    t.match(await gdb.run('continue'), /hit Temporary breakpoint/, 'a continue of one thread');
    const after = await places(gdb);
    t.deepEqual(after.map((pc, i) => pc === before[i]), before.map((_, i) => i + 1 !== thread));
    const other = thread === cpus ? cpus - 1 : cpus;
    await gdb.run(`thread ${other}`);
    await gdb.run('stepi 5');
    const last = await places(gdb);
    t.ok(last.every((pc, i) => pc === after[i] || i === other - 1), 'and then of another');
    await gdb.run('set scheduler-locking off');
    t.match(await gdb.run('continue'), /exited normally/);
  }, WORKERS);
});

test('scheduler-locking step: a step moves one thread, continue all', async (t) => {
  await withAttachedGdb(MACHINE, async (gdb) => {
    await atFirstJob(gdb);
    const thread = await currentThread(gdb);
    await gdb.run('set scheduler-locking step');
    const before = await places(gdb);
    for (let i = 0; i < 10; i++) await gdb.run('stepi');
    t.deepEqual((await places(gdb)).map((pc, i) => pc === before[i] || i === thread - 1), [true, true, true, true]);
    await gdb.run(`tbreak do_job if $_thread != ${thread}`);
    t.match(await gdb.run('continue'), /hit Temporary breakpoint/, 'another thread has come to a job');
  }, WORKERS);
});

for (const mode of ['replay', 'off']) {
  test(`scheduler-locking ${mode}: who steps through a loop that waits for another processor comes out of it`, async (t) => {
    await withAttachedGdb(MACHINE, async (gdb) => {
      if (mode === 'replay') t.match(await gdb.run('show scheduler-locking'), /"replay"/, "gdb's own choice");
      else await gdb.run('set scheduler-locking off');
      await gdb.run('tbreak begin_jobs');
      await gdb.run('continue');
      t.match(await gdb.run('thread 2'), /worker/, 'it waits until the boot processor, which stands, has begun');
      t.match(await gdb.run('output begun'), /^0/);
      await gdb.run('set scheduler-locking on');
      for (let i = 0; i < 10; i++) await gdb.run('next');
      t.match(await gdb.run('output begun'), /^0/, 'not while it is locked out');
      await gdb.run(`set scheduler-locking ${mode}`);
      let line = '';
      for (let i = 0; i < 200 && !line.includes('work(id)'); i++) line = await gdb.run('next');
      t.match(line, /work\(id\)/);
      t.equal(await currentThread(gdb), 2);
    }, WORKERS);
  });
}

test('next and finish stay with their thread while the others run', async (t) => {
  await withAttachedGdb(MACHINE, async (gdb) => {
    await atFirstJob(gdb);
    const thread = await currentThread(gdb);
    const number = await gdb.run('output job->number');
    await checkAnswers(t, gdb, [['next', /job->steps = steps/], ['next', /job->worker = id/]]);
    t.equal(await gdb.run('output job->number'), number, 'of the same job');
    await gdb.run('finish');
    t.equal(await currentThread(gdb), thread);
    t.match(await gdb.run('continue'), /exited normally/);
  }, WORKERS);
});

for (const cpus of [4, 8]) test(`Ctrl-C stops all ${cpus} wherever they are, again and again`, async (t) => {
  await withAttachedGdb(withCpus(cpus), async (gdb, server) => {
    await atFirstJob(gdb);
    await gdb.run('set var keep_working = 1');
    for (let i = 0; i < 5; i++) {
      gdb.begin('continue');
      await untilRunning(server);
      await new Promise((resolve) => setTimeout(resolve, 30));
      gdb.interrupt();
      t.match(await gdb.answer(), /SIGINT/);
      const standing = await places(gdb);
      const done = await gdb.run('output next_job');
      await new Promise((resolve) => setTimeout(resolve, 20));
      await gdb.run('maintenance flush register-cache');
      t.deepEqual(await places(gdb), standing, 'nobody moves');
      t.equal(await gdb.run('output next_job'), done);
    }
    await gdb.run('set var keep_working = 0');
    t.match(await gdb.run('continue'), /exited normally/);
  }, WORKERS);
});

test('a watchpoint that all four write', async (t) => {
  await withAttachedGdb(MACHINE, async (gdb) => {
    await gdb.run('break begin_jobs');
    await gdb.run('continue');
    await gdb.run('watch jobs_done');
    const values: number[] = [];
    for (let i = 0; i < 2 * JOBS; i++) {
      const stop = await gdb.run('continue');
      const value = /New value = (\d+)/.exec(stop)?.[1];
      if (value === undefined) break;
      values.push(Number(value));
      if (Number(value) === JOBS) break;
    }
    t.equal(values.at(-1), JOBS, 'to the last');
    t.ok(values.every((value, i) => i === 0 || value > values[i - 1]), `in order: ${values.join(' ')}`);
    await gdb.run('delete');
    t.match(await gdb.run('continue'), /exited normally/);
  }, WORKERS);
});
