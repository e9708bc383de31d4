/** Runs stock lldb over a list of commands, without the user's own settings, and tells what each has printed. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tape';
import { GUESTS_FOLDER } from '../../gdb/support/gdb-session.js';
import { patience } from '../../time-scale.js';

const SESSION_MILLISECONDS = patience(60_000);
const PROMPT = '(lldb) ';

/** Why tests with lldb are left out, for tape's `skip`; false where it is there. */
export const lldbIsMissing: string | false =
  spawnSync('lldb', ['--version']).error === undefined ? false : 'lldb is not installed here (Debian package lldb)';

/** The output of each command in order. lldb echoes what it reads; a command that fails ends the session, and its row is the last. */
export function lldbAnswers(commands: readonly string[]): { answers: string[]; transcript: string } {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-lldb-'));
  try {
    const script = join(folder, 'session.lldb');
    writeFileSync(script, `${commands.join('\n')}\n`);
    const { stdout, stderr } = spawnSync('lldb', ['--no-lldbinit', '-b', '-s', script],
      { cwd: GUESTS_FOLDER, encoding: 'utf8', timeout: SESSION_MILLISECONDS, killSignal: 'SIGKILL', env: { ...process.env, TERM: 'dumb' } });
    const answers: string[] = [];
    let from = 0;
    for (const command of commands) {
      const echo = stdout.indexOf(`${PROMPT}${command}\n`, from);
      if (echo < 0) break;
      from = echo + PROMPT.length + command.length + 1;
      const next = stdout.indexOf(`\n${PROMPT}`, from - 1);
      answers.push(stdout.slice(from, next < 0 ? undefined : next + 1));
    }
    return { answers, transcript: `${stdout}${stderr}` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a session against the server at `address` and checks each command's output against its pattern. */
export function checkLldb(t: Test, rows: readonly (readonly [string, RegExp])[]): void {
  const { answers, transcript } = lldbAnswers(rows.map(([command]) => command));
  for (const [index, [command, pattern]] of rows.entries()) {
    const answer = answers[index];
    if (answer === undefined) {
      t.fail(`${command}: lldb did not come to it:\n${transcript}`);
      return;
    }
    t.match(answer, pattern, command);
  }
}
