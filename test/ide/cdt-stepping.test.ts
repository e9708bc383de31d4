/** Steps and pauses as VS Code asks for them, through cdt-gdb-adapter. */
import test from 'tape';
import { lineOf, source, withCdt } from './support/cdt.js';

const KERNEL = 'kernel64/kernel.c';
const PROGRAM = { program: 'build/kernel64.elf' };
const SUM = lineOf(KERNEL, 'int sum = tree_sum(&root)');

test('over, into and out of a function by line', async (t) => {
  await withCdt(['build/kernel64.elf'], PROGRAM, async (session) => {
    await session.breakpoints(source(KERNEL), [{ line: SUM }]);
    await session.client.configurationDoneRequest();
    await session.stop();
    const into = await session.stepIn();
    t.deepEqual([into.name, into.line], ['tree_sum', lineOf(KERNEL, 'if (!node)')]);
    t.equal((await session.next()).line, lineOf(KERNEL, 'int below = tree_sum'), 'over the condition');
    t.equal((await session.next()).line, lineOf(KERNEL, 'return node->value + below'), 'over a recursion of ten calls');
    const out = await session.stepOut();
    t.deepEqual([out.name, out.line], ['kernel_main', SUM]);
    const place = await session.next();
    t.equal(place.line, lineOf(KERNEL, 'print("sum = ")'));
    t.equal(await session.evaluate('sum', place.frameId), '117', 'the sum of the tree');
  });
});

test('over and into a call by instruction', async (t) => {
  await withCdt(['build/kernel64.elf'], PROGRAM, async (session) => {
    await session.breakpoints(source(KERNEL), [{ line: SUM }]);
    await session.client.configurationDoneRequest();
    let { place } = await session.stop();
    const instructions = await session.disassemble(`0x${place.address.toString(16)}`, 6);
    const call = instructions.findIndex(({ instruction }) => instruction.startsWith('call'));
    t.ok(call > 0, instructions.map(({ instruction }) => instruction).join('; '));
    for (let count = 0; count < call; count++) place = await session.next('instruction');
    t.equal(place.address, BigInt(instructions[call]?.address ?? 0), 'at the call');
    t.equal((await session.stepIn('instruction')).name, 'tree_sum');
    t.equal((await session.stepOut()).address, BigInt(instructions[call + 1]?.address ?? 0), 'behind it');
  });
});

test('through the mode switches of a boot sector by instruction, without a source', async (t) => {
  await withCdt(['build/modes.img'], {}, async (session) => {
    await session.client.customRequest('setInstructionBreakpoints', { breakpoints: [{ instructionReference: '0x7c1d' }] });
    await session.client.configurationDoneRequest();
    t.equal((await session.stop()).place.address, 0x7c1dn, 'ljmp');
    t.equal((await session.stepIn('instruction')).address, 0x7c27n, 'protected mode');
    t.equal((await session.next('instruction')).address, 0x7c2cn);
  });
});

test('pause while the guest runs, go on, pause again', async (t) => {
  const guest = ['--cpus', '4', 'build/workers.elf'];
  await withCdt(guest, { program: 'build/workers.elf', initCommands: ['set var keep_working = 1'] }, async (session) => {
    await session.client.configurationDoneRequest();
    for (const round of [1, 2, 3]) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      await session.client.pauseRequest({ threadId: 1 });
      const { reason, place } = await session.stop();
      t.equal(reason, 'SIGINT', `round ${round}`);
      t.ok(place.address >= 0x8000n, place.name);
      await session.continue();
    }
  });
});
