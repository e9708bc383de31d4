/** Emacs itself with the function that people copy, in a session without a screen. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GUESTS_FOLDER, PACKAGE_FOLDER } from '../../gdb/support/gdb-session.js';
import { patience } from '../../time-scale.js';
import { filledIn, IDE_FOLDER } from './configurations.js';

const SESSION = join(PACKAGE_FOLDER, 'test/ide/support/emacs-session.el');
const SESSION_MILLISECONDS = patience(60_000);
/** In the line of kernel64/kernel.c that the session goes to. */
export const SOURCE_TEXT = 'int sum = tree_sum(&root)';

/** Runs the session against a server, with the configuration of examples/ide; what it printed, in order. */
export async function runEmacs(address: string): Promise<readonly (readonly [name: string, text: string])[]> {
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
