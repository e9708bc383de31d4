/** Emacs' own interface to gdb (gdb-mi), run by Emacs itself with the function that people copy: what its buffers show. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'tape';
import { buildGuests, GUESTS_FOLDER, PACKAGE_FOLDER } from '../gdb/support/gdb-session.js';
import { TIME_SCALE } from '../time-scale.js';
import { lineOf } from './support/cdt.js';
import { emacsIsMissing, filledIn, IDE_FOLDER } from './support/configurations.js';
import { TcpServer } from './support/tcp-server.js';

const SESSION = join(PACKAGE_FOLDER, 'test/ide/support/emacs-session.el');
const SESSION_MILLISECONDS = 60_000 * TIME_SCALE;
const SOURCE_TEXT = 'int sum = tree_sum(&root)';
const SUM = lineOf('kernel64/kernel.c', SOURCE_TEXT);

buildGuests();

/** Runs the session against a server, with the configuration of examples/ide; what it printed, in order. */
async function runEmacs(address: string): Promise<readonly (readonly [name: string, text: string])[]> {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-emacs-'));
  try {
    const configuration = join(folder, 'kvm-gdbserver.el');
    writeFileSync(configuration, filledIn(readFileSync(join(IDE_FOLDER, 'emacs/kvm-gdbserver.el'), 'utf8'), address));
    const environment = { ...process.env, CONFIGURATION: configuration, SOURCE_TEXT, TERM: 'dumb' };
    const emacs = spawn('emacs', ['-Q', '--batch', '-l', SESSION], { cwd: GUESTS_FOLDER, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    emacs.stdout.setEncoding('utf8').on('data', (text: string) => { stdout += text; });
    emacs.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text; });
    const timer = setTimeout(() => emacs.kill('SIGKILL'), SESSION_MILLISECONDS);
    const status = await new Promise((resolve) => { emacs.on('close', resolve); });
    clearTimeout(timer);
    if (status !== 0) throw new Error(`Emacs ended with ${String(status)}: ${stderr.slice(-4000)}`);
    return stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as [string, string]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('Emacs, M-x gdb: attach, breakpoint, steps, and what each of its buffers shows', { skip: emacsIsMissing }, async (t) => {
  await TcpServer.with(['build/kernel64.elf'], async (server) => {
    const printed = await runEmacs(`127.0.0.1:${server.port}`);
    const all = (name: string): string[] => printed.filter(([key]) => key === name).map(([, text]) => text);
    t.deepEqual(all('stop').slice(1), [
      `breakpoint-hit kernel_main ${SUM}`, `end-stepping-range tree_sum ${lineOf('kernel64/kernel.c', 'if (!node)')}`, `function-finished kernel_main ${SUM}`,
    ]);
    t.match(all('stop')[0] ?? '', / _start \d+$/, 'held at the first instruction');
    const buffers: readonly (readonly [string, RegExp])[] = [
      ['gdb-breakpoints-buffer', /1 +breakpoint +keep +y +0x\w+ +1 +in kernel_main/],
      ['gdb-stack-buffer', /^0 in kernel_main of \S+\n1 in _start of/],
      ['gdb-locals-buffer', /int +sum/],
      ['gdb-registers-buffer', /^rip +0x10[^]*^mode +0x7\n[^]*^cr0 +0x80000033$/m],
      ['gdb-threads-buffer', /1 Thread 1\.1 stopped in kernel_main/],
      ['gdb-disassembly-buffer', /<kernel_main\+\d+>: +call +0x\w+ <tree_sum>/],
      ['gdb-memory-buffer', /^0x0000000000100\w+:( +0x\w{8}){4}\n/],
      ['console', /Value returned is \$1 = 117[^]*\$2 = 100/],
    ];
    for (const [name, pattern] of buffers) t.match(all(name).join(), pattern, name);
    t.ok(all('sent').some((command) => command.includes('-data-list-changed-registers')), `what it asked of gdb: ${all('sent').join('; ')}`);
  });
});
