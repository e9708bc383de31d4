/** The gdb helper without a guest: what it leaves alone, and its search of callers over made-up stacks. */
import { join } from 'node:path';
import test from 'tape';
import { buildGuests, GDB_HELPER, PACKAGE_FOLDER, runGdb, startServer } from './support/gdb-session.js';

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
  t.match(output, /^\S+session\.gdb:\d+: Error in sourced command file:\nThere is no guest: connect to kvm-gdbserver by `target remote` first\.\n$/);
});

test('callers are found on made-up stacks', async (t) => {
  const { output } = await runGdb([LOAD, `source ${join(PACKAGE_FOLDER, 'test/gdb/support/frame_finder_test.py')}`]);
  for (const line of output.trimEnd().split('\n').slice(0, -1)) t.match(line, /^ok /, line);
  const passed = output.match(/^ok /gm)?.length ?? 0;
  t.ok(passed > 0, 'cases ran');
  t.match(output, new RegExp(`^done ${passed}$`, 'm'), 'to the last case');
});

test('disassembly and frames are right in each mode, whatever file gdb has loaded', async (t) => {
  buildGuests();
  const tour = [
    'break *0x7c22', 'break *0x7c96', 'break *0x7cc9',
    'continue', 'kvm mode', 'x/i $pc', 'bt', 'finish', 'continue', 'kvm mode', 'x/i $pc', 'bt', 'finish', 'continue', 'kvm mode', 'x/i $pc',
    'kill',
  ];
  const orders = {
    'no file': (connect: string) => [LOAD, connect, ...tour],
    'an ELF64 file': (connect: string) => [LOAD, 'file build/faults.elf', connect, ...tour],
    'an ELF32 file': (connect: string) => [LOAD, 'file build/kernel32.elf', connect, ...tour],
    'the helper after connecting': (connect: string) => [connect, LOAD, ...tour],
  };
  for (const [name, commands] of Object.entries(orders)) {
    const server = await startServer(['build/modes.img']);
    try {
      const { output } = await runGdb(commands(`target remote ${server.address}`));
      t.match(output, /real16.*\n=> 0x7c22:\tmov +\$0x3f8,%dx\n#0 .*7c22 in \?\? \(\)\n#1 .*7c10 in \?\? \(\)\n\S*7c10 in/, `${name}: real mode`);
      t.match(output, /protected32.*\n=> 0x7c96:\tpush +%ebp\n#0 .*7c96 in \?\? \(\)\n#1 .*7c3e in \?\? \(\)\n\S*7c3e in/, `${name}: protected mode`);
      t.match(output, /long64.*\n=> 0x7cc9:\tpush +%rbp\n/, `${name}: long mode`);
    } finally {
      await server.stop();
    }
  }
});

test('under set architecture the user has the last word', async (t) => {
  const server = await startServer(['build/modes.img']);
  try {
    const { output } = await runGdb([LOAD, `target remote ${server.address}`, 'set architecture i386', 'x/i 0x7c0d', 'set architecture auto', 'x/i 0x7c0d', 'kill']);
    t.match(output, /0x7c0d:\tcall +0x10f7c24\n[^]*0x7c0d:\tcall +0x7c22\n/);
  } finally {
    await server.stop();
  }
});

test('after monitor reset gdb shows the registers as they are then', async (t) => {
  const server = await startServer(['build/modes.img']);
  try {
    const { output } = await runGdb([LOAD, `target remote ${server.address}`, 'tbreak *0x7cc9', 'continue', 'info registers mode', 'monitor reset', 'info registers mode', 'print/x $pc', 'kill']);
    t.match(output, /mode=LONG64[^]*The machine stands before its first instruction[^]*mode=REAL16[^]*= 0x7c00\n/);
  } finally {
    await server.stop();
  }
});
