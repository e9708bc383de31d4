/** The gdb helper without a guest: what it leaves alone, and its search of callers over made-up stacks. */
import { join } from 'node:path';
import test from 'tape';
import { buildGuests, GDB_HELPER, PACKAGE_FOLDER, runGdb } from './support/gdb-session.js';

const LOAD = `source ${GDB_HELPER}`;
test('the helper loads in silence, twice, and keeps the architecture setting', async (t) => {
  for (const setting of ['auto', 'i8086', 'i386']) {
    const plain = await runGdb([`set architecture ${setting}`, 'show architecture']);
    const loaded = await runGdb([`set architecture ${setting}`, LOAD, LOAD, 'show architecture']);
    t.equal(loaded.output, plain.output, setting);
    t.equal(loaded.status, 0, `${setting}: no error`);
  }
});

test('without a mode register gdb disassembles as it would without the helper', async (t) => {
  buildGuests();
  for (const [file, name] of [['kernel64', 'kernel_main'], ['kernel32', 'factorial'], ['modes', '_start']] as const) {
    const commands = [`file build/${file}.elf`, `disassemble ${name}`];
    const plain = await runGdb(commands);
    const loaded = await runGdb([LOAD, ...commands]);
    t.match(plain.output, /End of assembler dump/, `${file}: there is something to compare`);
    t.equal(loaded.output, plain.output, file);
  }
});

test('kvm mode without a target is one sentence', async (t) => {
  const { output } = await runGdb([LOAD, 'kvm mode']);
  t.match(output, /^\S+session\.gdb:\d+: Error in sourced command file:\nNo frame is currently selected\.\n$/);
});

test('callers are found on made-up stacks', async (t) => {
  const { output } = await runGdb([LOAD, `source ${join(PACKAGE_FOLDER, 'test/gdb/support/frame_finder_test.py')}`]);
  for (const line of output.trimEnd().split('\n').slice(0, -1)) t.match(line, /^ok /, line);
  const passed = output.match(/^ok /gm)?.length ?? 0;
  t.ok(passed > 0, 'cases ran');
  t.match(output, new RegExp(`^done ${passed}$`, 'm'), 'to the last case');
});
