/** Four processors as VS Code shows them, through cdt-gdb-adapter. */
import test from 'tape';
import { lineOf, source, withCdt } from './support/cdt.js';

const GUEST = ['--cpus', '4', 'build/workers.elf'];
const KERNEL = 'workers/kernel.c';
const PROGRAM = { program: 'build/workers.elf' };

test('the processors are threads with names, before and after they have started', async (t) => {
  await withCdt(GUEST, PROGRAM, async (session) => {
    await session.breakpoints(source(KERNEL), [{ line: lineOf(KERNEL, 'wake_others();\n'.trim()) }, { line: lineOf(KERNEL, 'begin_jobs();') }]);
    await session.client.configurationDoneRequest();
    await session.stop();
    const waiting = (await session.client.threadsRequest()).body.threads;
    t.deepEqual(waiting.map(({ id }) => id), [1, 2, 3, 4]);
    t.deepEqual(waiting.map(({ name }) => name.split(' ')[0]), ['cpu0', 'cpu1', 'cpu2', 'cpu3']);
    await session.continue();
    t.equal((await session.stop()).place.line, lineOf(KERNEL, 'begin_jobs();'));
    for (const { id } of waiting.slice(1)) {
      const frames = (await session.frames(id)).map(({ name }) => name);
      t.ok(frames.includes('worker') || frames.includes('processor_long'), `thread ${id}: ${frames.join(' < ')}`);
    }
  });
});

test('a breakpoint that all processors meet, with a condition on the processor', async (t) => {
  await withCdt(GUEST, { ...PROGRAM, initCommands: ['set var keep_working = 1'] }, async (session) => {
    const line = lineOf(KERNEL, 'job->steps = steps');
    await session.breakpoints(source(KERNEL), [{ line, condition: 'id != 0' }]);
    await session.client.configurationDoneRequest();
    const seen = new Map<string, number>();
    for (let round = 0; round < 12; round++) {
      const { thread, place } = await session.stop();
      const id = await session.evaluate('id', place.frameId);
      t.equal(place.line, line, `thread ${thread}, worker ${id}`);
      t.ok(!seen.has(id) || seen.get(id) === thread, 'a worker stays on its processor');
      seen.set(id, thread);
      await session.continue();
    }
    t.notOk(seen.has('0'), 'the condition holds');
  });
});

test('a step on one processor ends there, whatever the others do', async (t) => {
  await withCdt(GUEST, { ...PROGRAM, initCommands: ['set var keep_working = 1'] }, async (session) => {
    await session.breakpoints(source(KERNEL), [{ line: lineOf(KERNEL, 'uint32_t steps = collatz_steps(job->number)'), condition: 'id == 2' }]);
    await session.client.configurationDoneRequest();
    const { thread } = await session.stop();
    await session.breakpoints(source(KERNEL), []);
    await session.client.nextRequest({ threadId: thread });
    const stop = await session.stop();
    t.deepEqual([stop.thread, stop.place.name, stop.place.line], [thread, 'do_job', lineOf(KERNEL, 'job->steps = steps')]);
    t.equal(await session.evaluate('id', stop.place.frameId), '2');
  });
});
