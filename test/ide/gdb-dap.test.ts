/** gdb's own debug adapter (`gdb -i=dap`, gdb 14 and later), as Neovim's nvim-dap and Emacs' dape start it. */
import test from 'tape';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { buildGuests, GUESTS_FOLDER, startServer, type Server } from '../gdb/support/gdb-session.js';
import { lineOf, source } from './support/cdt.js';
import { DapSession } from './support/dap-session.js';
import { newerGdb } from './support/newer-gdb.js';

buildGuests();
const gdb = await newerGdb();
const skip = 'missing' in gdb ? gdb.missing : false;
const path = 'missing' in gdb ? '' : gdb.path;
const KERNEL = 'kernel64/kernel.c';
const SUM = lineOf(KERNEL, 'int sum = tree_sum(&root)');

/** gdb attaches once the configuration is done, and the attached guest stands. */
async function withGdbDap(args: readonly string[], program: string, breakpoints: readonly DebugProtocol.SourceBreakpoint[],
  work: (session: DapSession, server: Server) => Promise<void>): Promise<void> {
  const server = await startServer(args);
  const { session } = await DapSession.start({ runtime: path, argument: '-i=dap', type: 'gdb', cwd: GUESTS_FOLDER });
  try {
    await session.take('initialized');
    const attached = session.client.attachRequest({ program: source(`build/${program}.elf`), target: server.address } as DebugProtocol.AttachRequestArguments);
    if (breakpoints.length > 0) await session.breakpoints(source(`${program}/kernel.c`), breakpoints);
    await session.client.configurationDoneRequest();
    await attached;
    await work(session, server);
  } finally {
    await session.close();
    await server.stop();
  }
}

test('gdb -i=dap: attach, source breakpoints, steps, stack, locals, registers', { skip }, async (t) => {
  await withGdbDap(['build/kernel64.elf'], 'kernel64', [{ line: SUM }], async (session, server) => {
    t.equal((await session.stop()).place.name, '_start', 'held at the first instruction');
    await session.continue();
    const { reason, place } = await session.stop();
    t.deepEqual([reason, place.name, place.line], ['breakpoint', 'kernel_main', SUM]);
    t.equal((await session.stepIn()).name, 'tree_sum');
    t.deepEqual((await session.frames()).map(({ name }) => name).slice(0, 2), ['tree_sum', 'kernel_main']);
    t.equal((await session.stepOut()).name, 'kernel_main');
    const after = await session.next();
    const locals = await session.scope(after.frameId, /Locals/);
    t.equal(locals.variables.get('sum')?.value, '117');
    await session.client.setVariableRequest({ variablesReference: locals.reference, name: 'sum', value: '5' });
    const registers = await session.scope(after.frameId, /Registers/);
    for (const name of ['rip', 'cr0', 'efer', 'mode', 'gdtr']) t.ok(registers.variables.has(name), name);
    const code = await session.disassemble('0x100000', 3);
    t.match(code[0]?.instruction ?? '', /^lgdt/);
    t.deepEqual([...await session.readMemory('0x100000', 3)], [0x0f, 0x01, 0x15]);
    await session.continue();
    await session.take('terminated');
    t.match(server.output.stdout, /sum = 5\n/);
  });
});

test('gdb -i=dap: four processors, pause, disconnect; another session after it', { skip }, async (t) => {
  await withGdbDap(['--cpus', '4', 'build/workers.elf'], 'workers', [], async (session, server) => {
    const { place } = await session.stop();
    t.equal((await session.client.threadsRequest()).body.threads.length, 4);
    await session.evaluate('set var keep_working = 1', place.frameId, 'repl');
    await session.continue();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await session.client.pauseRequest({ threadId: 1 });
    t.equal((await session.stop()).reason, 'pause');
    const line = lineOf('workers/kernel.c', 'job->steps = steps');
    await session.breakpoints(source('workers/kernel.c'), [{ line, condition: 'id == 3' }]);
    await session.continue();
    const hit = await session.stop();
    t.equal(hit.place.line, line);
    t.equal(await session.evaluate('id', hit.place.frameId), '3');
    await session.client.disconnectRequest({ terminateDebuggee: false });
    await session.close();
    t.equal(server.process.exitCode, null, 'the guest is still there');
    const second = (await DapSession.start({ runtime: path, argument: '-i=dap', type: 'gdb', cwd: GUESTS_FOLDER })).session;
    try {
      await second.take('initialized');
      const attached = second.client.attachRequest({ target: server.address } as DebugProtocol.AttachRequestArguments);
      await second.client.configurationDoneRequest();
      await attached;
      t.equal((await second.client.threadsRequest()).body.threads.length, 4);
    } finally {
      await second.close();
    }
  });
});

test('gdb -i=dap: conditions, hit counts, log points, instruction breakpoints', { skip }, async (t) => {
  const node = lineOf(KERNEL, 'int below = tree_sum');
  await withGdbDap(['build/kernel64.elf'], 'kernel64', [{ line: node, condition: 'node->value == 4' }], async (session) => {
    await session.stop();
    await session.continue();
    const { place } = await session.stop();
    t.match(await session.evaluate('node->name', place.frameId), /"c"$/, 'the condition');
    const instructions = await session.disassemble(`0x${place.address.toString(16)}`, 3);
    const address = instructions[1]?.address ?? '';
    await session.client.customRequest('setInstructionBreakpoints', { breakpoints: [{ instructionReference: address }] });
    await session.continue();
    t.equal((await session.stop()).place.address, BigInt(address), 'the instruction');
  });
  await withGdbDap(['build/kernel64.elf'], 'kernel64', [{ line: node, hitCondition: '3' }, { line: SUM, logMessage: 'at {root.value}' }], async (session) => {
    await session.stop();
    await session.continue();
    const { place } = await session.stop();
    t.match(await session.evaluate('node->name', place.frameId), /"b"$/, 'gdb leaves out the first three');
    await session.printed(/at 100/);
  });
});

test('gdb -i=dap: disconnect that ends the guest', { skip }, async (t) => {
  await withGdbDap(['build/kernel64.elf'], 'kernel64', [], async (session, server) => {
    await session.stop();
    // gdb may be gone before it answers.
    void session.client.disconnectRequest({ terminateDebuggee: true }).catch(() => undefined);
    t.equal((await server.ended()).status, 0);
    t.equal(server.output.stdout, '', 'it has not run');
  });
});

test.onFinish(() => { if (!('missing' in gdb)) gdb.remove(); });
