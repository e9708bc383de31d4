// What editors show, for the pages: VS Code's panes from what its debug adapter sends them, CLion's gdb from its machine interface.
import { join } from 'node:path';
import { root } from '../root.mjs';

const support = (name) => import(join(root, 'dist/test/ide/support', name));

/** Columns side by side, the first `width` wide. */
function beside(left, right, width) {
  return Array.from({ length: Math.max(left.length, right.length) }, (_, row) =>
    `${(left[row] ?? '').padEnd(width)}${right[row] ?? ''}`.trimEnd()).join('\n') + '\n';
}

async function callStack() {
  const { lineOf, source, withCdt } = await support('cdt.js');
  let text = '';
  const options = { program: 'build/workers.elf', initCommands: ['set var keep_working = 1'] };
  await withCdt(['--cpus', '4', 'build/workers.elf'], options, async (session) => {
    await session.breakpoints(source('workers/kernel.c'), [{ line: lineOf('workers/kernel.c', 'uint32_t steps = collatz_steps(job->number)'), condition: 'id == 0' }]);
    await session.client.configurationDoneRequest();
    const { thread, place } = await session.stop();
    const left = ['CALL STACK'];
    for (const { id, name } of (await session.client.threadsRequest()).body.threads) {
      left.push(`  ${name}`);
      if (id !== thread) continue;
      for (const frame of await session.frames(id)) left.push(`    ${frame.name.padEnd(15)} ${frame.source?.name} ${frame.line}`);
    }
    const locals = (await session.scope(place.frameId, /Local/)).variables;
    const registers = (await session.scope(place.frameId, /Registers/)).variables;
    const row = ([name, { value }]) => `    ${name.padEnd(6)} ${value}`;
    const right = ['VARIABLES', '  Local', ...[...locals].filter(([name]) => name !== 'steps').map(row), '  Registers',
      ...[...registers].filter(([name]) => ['rip', 'mode', 'cr0', 'cr3', 'efer'].includes(name)).map(row), 'WATCH'];
    for (const name of ['$mode', '$cr0', '$efer']) right.push(row([name, { value: await session.evaluate(name, place.frameId) }]).slice(2));
    text = beside(left, right, 45);
  });
  return text;
}

async function disassembly() {
  const { withCdt } = await support('cdt.js');
  const { GDB_HELPER } = await import(join(root, 'dist/test/gdb/support/gdb-session.js'));
  const parts = [];
  await withCdt(['build/modes.img'], { initCommands: [`source ${GDB_HELPER}`] }, async (session) => {
    const stops = ['0x7c1a', '0x7c27', '0x7cc9'];
    await session.client.customRequest('setInstructionBreakpoints', { breakpoints: stops.map((instructionReference) => ({ instructionReference })) });
    await session.client.configurationDoneRequest();
    for (const address of stops) {
      await session.stop();
      const instructions = await session.disassemble(address, 2);
      parts.push(instructions.map((line) => `${line.address} ${(line.instructionBytes ?? '').padEnd(15)} ${line.instruction.trim()}\n`).join(''));
      await session.continue();
    }
  });
  return parts.join('\n');
}

async function machineInterface() {
  const { MiClient } = await support('mi-client.js');
  const { startServer, GUESTS_FOLDER } = await import(join(root, 'dist/test/gdb/support/gdb-session.js'));
  const server = await startServer(['build/kernel64.elf']);
  const gdb = new MiClient(['--interpreter=mi2']);
  try {
    await gdb.ask('-file-exec-and-symbols build/kernel64.elf');
    const lines = [await gdb.ask(`-target-select remote ${server.address}`), await gdb.event('*stopped')];
    return lines.map((line) => `${line.replaceAll(GUESTS_FOLDER, '/home/me/guests')}\n`).join('');
  } finally {
    await gdb.crash();
    await server.stop();
  }
}

async function emacsBuffers() {
  const { runEmacs } = await support('emacs.js');
  const { emacsIsMissing } = await support('configurations.js');
  const { TcpServer } = await support('tcp-server.js');
  if (emacsIsMissing) return undefined;
  const shown = [['gdb-stack-buffer', 'stack frames'], ['gdb-locals-buffer', 'locals'], ['gdb-breakpoints-buffer', 'breakpoints'], ['gdb-threads-buffer', 'threads'],
    ['gdb-disassembly-buffer', 'disassembly'], ['gdb-memory-buffer', 'memory']];
  let text = '';
  await TcpServer.with(['build/kernel64.elf'], async (server) => {
    const printed = new Map(await runEmacs(`127.0.0.1:${server.port}`));
    text = shown.map(([name, title]) => `*${title}*\n${printed.get(name).split('\n').slice(0, 5).map((line) => `  ${line}`.trimEnd()).join('\n')}\n`).join('');
  });
  return text;
}

/** By the name that a page gives: each returns the block's text, or undefined where the editor is missing. */
export const EDITOR_VIEWS = { 'VS Code, panes': callStack, 'VS Code, disassembly': disassembly, 'CLion, gdb': machineInterface, 'Emacs, buffers': emacsBuffers };
