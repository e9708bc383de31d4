/** 16-bit code with DWARF, stepped by source lines: gcc -m16, nasm and yasm, at any segment base. */
import test from 'tape';
import { checkAnswers, withAttachedGdb, type GdbConsole } from './support/gdb-console.js';
import { GDB_HELPER } from './support/gdb-session.js';
import { REAL_MODE_OPTIONS } from './support/real-mode-options.js';
import { testGuest } from './support/test-guest.js';

const LOAD = 0x2_0000;

function server(image: string, at: number): string[] {
  return [...REAL_MODE_OPTIONS, '--boot', 'flat', '--load', `0x${at.toString(16)}`, '--mode', 'real', image];
}

/** The same steps wherever the code's segment begins, at the linear `base`. */
const C_ROWS = (base: number): readonly (readonly [string, RegExp])[] => [
  ['break add', /Breakpoint 1 at 0x[0-9a-f]+: file .*c16\.c, line 20\./],
  ['continue', /Breakpoint 1, add \(a=1, b=10\) at /],
  ['print/x $cs_base', new RegExp(`= 0x${base.toString(16)}\n`)],
  ['x/2i $pc', /=> 0x[0-9a-f]+ <add(\+\d+)?>:\t(push +%ebp|mov +0x8\(%ebp\),%edx)\n/],
  ['bt', /^#0 +add \(a=1, b=10\) at .*:2\d\n#1 .* in run \(\) at .*:30\n#2 .* in main16 \(\)\n$/],
  ['next 2', /total \+= sum;\n$|sum = a \+ b;\n$/],
  ['advance 23', /return sum;\n$/],
  ['info locals', /^sum = 11\n$/],
  ['print a * b', /= 10\n/],
  ['print total', /= 11\n/],
  ['up', /last = add\(i, 10\);\n$/],
  ['info locals', /^i = 1\nlast = 0\n$/],
  ['down', /add \(a=1, b=10\)/],
  ['finish', /Run till exit[^]*in run \(\)[^]*Value returned is \$\d+ = 11\n/],
  ['delete 1', /^$/],
  ['next', /for \(i = 1; i < 4; i\+\+\)\n$/],
  ['next', /last = add\(i, 10\);\n$/],
  ['step', /add \(a=2, b=10\) at/],
  ['finish', /Value returned is \$\d+ = 12\n/],
  ['next', /for \(/],
  ['until', /return last;\n$/],
  ['print last', /= 13\n/],
];

test('gcc -m16 as the main file, at segment 0', async (t) => {
  const { elf, image } = testGuest('c16-0-7c00');
  await withAttachedGdb(server(image, 0x7c00), async (gdb) => {
    await gdb.run(`source ${GDB_HELPER}`);
    await checkAnswers(t, gdb, C_ROWS(0));
  }, elf);
});

for (const [segment, offset] of [['2000', '0'], ['1f00', '1000']] as const) {
  test(`gcc -m16 by add-symbol-file, in a segment at ${segment}:${offset}`, async (t) => {
    const { elf, image } = testGuest(`c16-${segment}-${offset}`);
    const base = Number.parseInt(segment, 16) * 16;
    await withAttachedGdb(server(image, LOAD), async (gdb) => {
      await gdb.runAll(`source ${GDB_HELPER}`, `add-symbol-file ${elf} -o ${base}`);
      await checkAnswers(t, gdb, C_ROWS(base));
    });
  });
}

async function assemblyRows(gdb: GdbConsole, check: (rows: readonly (readonly [string, RegExp])[]) => Promise<void>): Promise<void> {
  await gdb.run(`source ${GDB_HELPER}`);
  await check([
    ['break again', /Breakpoint 1 at 0x2[0-9a-f]+: file .*nasm16\.asm, line 11\./],
    ['continue', /Breakpoint 1, [^]*mov +si, message\n$/],
    ['next', /call +print\n$/],
    ['next', /mov +al, 10\n$/],
    ['next', /call +putc\n$/],
    ['step', /push +dx\n$/],
    ['bt', /^#0 +.*nasm16\.asm:30\n#1 .*nasm16\.asm:14\n$/],
    ['next', /mov +dx, 0x3f8\n$/],
    ['finish', /Run till exit[^]*jmp +again\n$/],
    ['next', /mov +si, message\n$/],
    ['next', /call +print\n$/],
    ['step', /push +ax\n$/],
    ['next 3', /jz +\.done\n$/],
    ['kvm x/s $ds:$si', /"6 bits"\n$/],
    ['x/i $pc', /\tje +0x/],
    ['advance putc', /push +dx\n$/],
    ['bt', /^#0 .*:30\n#1 .*:23\n#2 .*:12\n$/],
  ]);
}

for (const assembler of ['nasm', 'yasm']) {
  test(`${assembler} with DWARF, by add-symbol-file`, async (t) => {
    const { elf, image } = testGuest(assembler);
    // A flat image begins at CS = its segment where it lies beyond the first 64 KiB.
    await withAttachedGdb(server(image, LOAD), async (gdb) => {
      await gdb.run(`add-symbol-file ${elf} -o ${LOAD}`);
      await assemblyRows(gdb, (rows) => checkAnswers(t, gdb, rows));
    });
  });
}
