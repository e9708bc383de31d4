/** Breakpoints as VS Code sets them, through cdt-gdb-adapter. */
import test from 'tape';
import type { DapSession } from './support/dap-session.js';
import { lineOf, source, withCdt } from './support/cdt.js';

const KERNEL = 'kernel64/kernel.c';
const GUEST = ['build/kernel64.elf'];
const PROGRAM = { program: 'build/kernel64.elf' };
const SUM = lineOf(KERNEL, 'int sum = tree_sum(&root)');
const NODE = lineOf(KERNEL, 'int below = tree_sum');

/** Lets the guest run with one breakpoint in kernel64's source. */
async function startWith(session: DapSession, line: number, further: object = {}): Promise<void> {
  await session.breakpoints(source(KERNEL), [{ line, ...further }]);
  await session.client.configurationDoneRequest();
}

test('a source breakpoint set before the guest starts', async (t) => {
  await withCdt(GUEST, PROGRAM, async (session) => {
    const [breakpoint] = await session.breakpoints(source(KERNEL), [{ line: SUM }]);
    t.ok(breakpoint?.verified, 'it is there');
    await session.client.configurationDoneRequest();
    const { reason, place } = await session.stop();
    t.equal(reason, 'breakpoint');
    t.deepEqual([place.name, place.file, place.line], ['kernel_main', 'kernel.c', SUM]);
  });
});

test('source breakpoints set while the guest runs, and taken away again', async (t) => {
  const guest = ['--cpus', '4', 'build/workers.elf'];
  const file = source('workers/kernel.c');
  const line = lineOf('workers/kernel.c', 'job->steps = steps');
  await withCdt(guest, { program: 'build/workers.elf', initCommands: ['set var keep_working = 1'] }, async (session) => {
    await session.client.configurationDoneRequest();
    await new Promise((resolve) => setTimeout(resolve, 200));
    t.notOk(session.has('stopped'), 'it runs');
    const [breakpoint] = await session.breakpoints(file, [{ line }]);
    t.ok(breakpoint?.verified, 'it is there, and the guest has gone on');
    const { reason, place } = await session.stop();
    t.deepEqual([reason, place.name, place.line], ['breakpoint', 'do_job', line]);
    await session.continue();
    t.equal((await session.stop()).place.line, line, 'again');
    await session.breakpoints(file, []);
    await session.continue();
    await new Promise((resolve) => setTimeout(resolve, 200));
    t.notOk(session.has('stopped'), 'no breakpoint is left');
  });
});

test('a condition', async (t) => {
  await withCdt(GUEST, PROGRAM, async (session) => {
    await startWith(session, NODE, { condition: 'node->value == 4' });
    const { place } = await session.stop();
    t.equal(place.line, NODE);
    t.match(await session.evaluate('node->name', place.frameId), /"c"$/);
  });
});

test('hit counts: the third, and those above the third', async (t) => {
  for (const [hitCondition, names] of [['3', ['a']], ['> 3', ['b', 'c']]] as const) {
    await withCdt(GUEST, PROGRAM, async (session) => {
      await startWith(session, NODE, { hitCondition });
      for (const name of names) {
        const { place } = await session.stop();
        t.match(await session.evaluate('node->name', place.frameId), new RegExp(`"${name}"$`), hitCondition);
        await session.continue();
      }
      await session.take('terminated');
    });
  }
});

test('a log point prints and does not stop', async (t) => {
  await withCdt(GUEST, PROGRAM, async (session) => {
    await startWith(session, NODE, { logMessage: 'a node was seen\n' });
    await session.take('terminated');
    t.equal(session.output.match(/a node was seen/g)?.length, 5, 'once for each node');
    t.notOk(session.has('stopped'));
  });
});

test('function breakpoints', async (t) => {
  await withCdt(GUEST, PROGRAM, async (session) => {
    await session.client.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'copy_vector' }, { name: 'on_invalid_opcode' }] });
    await session.client.configurationDoneRequest();
    for (const name of ['copy_vector', 'on_invalid_opcode']) {
      const stop = await session.stop();
      t.deepEqual([stop.reason, stop.place.name], ['function breakpoint', name]);
      await session.continue();
    }
  });
});

test('instruction breakpoints, more than the debug registers, with and without offset', async (t) => {
  await withCdt(GUEST, PROGRAM, async (session) => {
    await startWith(session, SUM);
    const { place } = await session.stop();
    const instructions = await session.disassemble(`0x${place.address.toString(16)}`, 12);
    const wanted = instructions.slice(1, 7).map(({ address }) => BigInt(address));
    const first = wanted[0] ?? 0n;
    const { body } = await session.client.customRequest('setInstructionBreakpoints', {
      breakpoints: wanted.map((address) => ({ instructionReference: `0x${first.toString(16)}`, offset: Number(address - first) })),
    }) as { body: { breakpoints: unknown[] } };
    t.equal(body.breakpoints.length, 6);
    await session.breakpoints(source(KERNEL), []);
    for (const address of wanted) {
      await session.continue();
      const stop = await session.stop();
      t.deepEqual([stop.reason, stop.place.address], ['breakpoint', address]);
    }
  });
});

test('data breakpoints: a write, a read and either, by name and by address', async (t) => {
  await withCdt(GUEST, PROGRAM, async (session) => {
    await startWith(session, SUM);
    const { place } = await session.stop();
    const named = await session.client.dataBreakpointInfoRequest({ name: 'invalid_opcodes_seen', frameId: place.frameId });
    t.deepEqual(named.body.accessTypes, ['read', 'write', 'readWrite']);
    const address = await session.evaluate('&leaf_c.value', place.frameId);
    const [hex = ''] = /0x[0-9a-f]+/.exec(address) ?? [];
    const info = await session.client.dataBreakpointInfoRequest({ name: hex, asAddress: true, bytes: 1 });
    const either = await session.client.dataBreakpointInfoRequest({ name: 'leaf_b', frameId: place.frameId });
    t.ok(info.body.dataId, address);
    const writeAndRead = [
      { dataId: named.body.dataId ?? '', accessType: 'write' },
      { dataId: info.body.dataId ?? '', accessType: 'read' },
    ] as const;
    const { body } = await session.client.setDataBreakpointsRequest({ breakpoints: [
      ...writeAndRead,
      { dataId: either.body.dataId ?? '', accessType: 'readWrite' },
    ] });
    t.deepEqual(body.breakpoints.map(({ verified }) => verified), [true, true, true]);
    await session.continue();
    const node = (await session.stop()).place;
    t.deepEqual([node.name, await session.evaluate('node == &leaf_b', node.frameId)], ['tree_sum', '1'], 'the access');
    await session.client.setDataBreakpointsRequest({ breakpoints: [...writeAndRead] });
    await session.continue();
    t.equal((await session.stop()).place.name, 'tree_sum', 'the read');
    await session.continue();
    const written = (await session.stop()).place;
    t.equal(written.name, 'on_invalid_opcode', 'the write');
    t.equal(await session.evaluate('invalid_opcodes_seen', written.frameId), '1');
    await session.client.setDataBreakpointsRequest({ breakpoints: [] });
    await session.continue();
    await session.take('terminated');
  });
});
