/** `target extended-remote` as a front end uses it: start, run, kill, load, and the machine put back by monitor. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'tape';
import { checkAnswers, withGdb } from './support/gdb-console.js';
import { buildGuests } from './support/gdb-session.js';

buildGuests();

const SOURCE = `
int total;
static void add(int what) { total += what; }
int main(void) { for (int i = 1; i <= 3; i++) add(i); for (;;) __asm__ volatile("pause"); }
/* A stack, and no way back. */
__asm__(".globl _start\\n_start: movl $0x200000, %esp\\n call main\\n");
`;

/** Calls `work` with an ELF file that has a main. */
async function withProgram(work: (path: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-program-'));
  const [source, program] = [join(folder, 'program.c'), join(folder, 'program.elf')];
  try {
    writeFileSync(source, SOURCE);
    execFileSync('gcc', ['-m32', '-march=i386', '-ffreestanding', '-nostdlib', '-static', '-no-pie', '-fno-pie', '-fcf-protection=none',
      '-Wl,-Ttext=0x100000,--build-id=none', '-g', '-O0', '-o', program, source], { stdio: ['ignore', 'ignore', 'pipe'] });
    await work(program);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('extended-remote: start, run, kill and start again', async (t) => {
  await withProgram(async (program) => {
    await withGdb([program], async (gdb, server) => {
      await gdb.run(`file ${program}`);
      await gdb.run(`target extended-remote ${server.address}`);
      await checkAnswers(t, gdb, [
        ['start', /Temporary breakpoint 1, main \(\)/],
        ['break add if what == 2', /Breakpoint 2/],
        ['continue', /Breakpoint 2, add \(what=2\)/],
        ['print total', /= 1\n/],
        ['run', /Breakpoint 2, add \(what=2\)/],
        ['print total', /= 1\n/],
        ['kill', /killed\]/],
        ['start', /main \(\)/],
        ['print total', /= 0\n/],
      ]);
    });
  });
});

test('extended-remote: a program is loaded into a running machine, and monitor reset halt puts the first one back', async (t) => {
  await withProgram(async (program) => {
    await withGdb(['--memory', '64M', 'build/kernel32.elf'], async (gdb, server) => {
      await gdb.run(`file ${program}`);
      await gdb.run(`target extended-remote ${server.address}`);
      await checkAnswers(t, gdb, [
        ['load', /Loading section \.text[^]*Start address 0x0*10[0-9a-f]{4}/],
        ['compare-sections', /Section \.text[^\n]*matched/],
        ['tbreak main', /Temporary breakpoint 1/],
        ['continue', /main \(\)/],
      ]);
      await gdb.runAll('monitor reset halt', 'maintenance flush register-cache', 'delete');
      await checkAnswers(t, gdb, [
        ['info threads', /\* 1 +Thread 1\.1 "cpu0" \(stopped protected32\)/],
        ['compare-sections .text', /Section \.text[^\n]*MIS-MATCHED/],
        ['file build/kernel32.elf', /Reading symbols/],
        ['compare-sections .text', /Section \.text[^\n]*: matched/],
        ['tbreak kernel_main', /Temporary breakpoint/],
        ['continue', /kernel_main \(/],
      ]);
    });
  });
});
