/**
 * The sessions of examples/guests as tests: a folder with a `session.gdb` whose comment names the server's command
 * line, and an `expected.txt` with what gdb, the guest's serial port and the server's exit status then say.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GUESTS_FOLDER, PACKAGE_FOLDER, runGdb, startServer } from './gdb-session.js';

/** The line a newcomer copies, and the one the session itself connects with. */
const SERVER_LINE = /^# Server: +kvm-gdbserver +(.+)$/m;
const CONNECT_LINE = 'target remote :1234';

/** For --mechanisms: each alone where it can stop everywhere, else with stepping behind it; every session shows the same with them. */
export const FORCED_MECHANISMS = ['debug-register,step', 'patch,step', 'patch,read-only,step', 'step'];

/** Names of the folders that have a session. */
export function exampleNames(): string[] {
  return readdirSync(GUESTS_FOLDER).filter((name) => existsSync(join(GUESTS_FOLDER, name, 'session.gdb'))).sort();
}

/** Splits a command line at blanks, with quotes '…' and "…" but without escapes. */
export function splitCommandLine(line: string): string[] {
  return [...line.matchAll(/(?:'[^']*'|"[^"]*"|\S)+/g)].map(([word]) => word.replace(/'([^']*)'|"([^"]*)"/g, '$1$2'));
}

/** Runs the session of one example, with further options for the server, and returns its transcript. Throws when the session cannot be run at all. */
export async function runExample(name: string, options: readonly string[] = []): Promise<string> {
  const script = readFileSync(join(GUESTS_FOLDER, name, 'session.gdb'), 'utf8');
  const serverLine = SERVER_LINE.exec(script)?.[1];
  if (serverLine === undefined) throw new Error(`${name}/session.gdb has no line "# Server: kvm-gdbserver ...".`);
  if (!script.includes(`\n${CONNECT_LINE}\n`)) throw new Error(`${name}/session.gdb has no line "${CONNECT_LINE}".`);

  const server = await startServer([...splitCommandLine(serverLine), ...options]);
  try {
    const commands = script.replace(`\n${CONNECT_LINE}\n`, `\ntarget remote ${server.address}\n`).split('\n');
    const gdb = await runGdb(commands, { trace: true });
    const end = await server.ended();
    return [
      normalise(gdb.output, server.address).trimEnd(),
      '--- the guest\'s serial port', end.stdout.trimEnd(),
      `--- exit status ${end.status}`, '',
    ].join('\n');
  } finally {
    await server.stop();
  }
}

/** Takes out what differs from run to run and from machine to machine: the socket and the package's folder. */
function normalise(output: string, address: string): string {
  return output.replaceAll(address, ':1234').replaceAll(PACKAGE_FOLDER, '/').replaceAll(PACKAGE_FOLDER.replace(/\/$/, ''), '');
}

/**
 * Takes out what another compiler lays out differently: addresses in the C kernels, which are linked at 0x100000. And what the server
 * says of the host: about the registers of a triple fault, which SVM loses and VMX keeps (src/debugger/fault-text.ts), and that
 * a watchpoint has to be stepped; and which device switched the guest off, for a host may need other ones (test/hosts/hosts.mjs).
 */
function withoutLayout(transcript: string): string {
  return transcript
    .replace(/^(Triple fault on .*? followed from it)\. (?:This host \(SVM\)|The registers are) .*$/gm, '$1.')
    .replace(/ACPI power-off \(\w+\)/g, 'ACPI power-off')
    .replace(/^The \w+ watchpoint at 0x\w+ is found by stepping, .*\n/gm, '')
    .replace(/\b0x(?:0*1[0-9a-f]{5})\b/g, '0x1.....')
    .replace(/<(\w+)\+\d+>/g, '<$1+...>')
    .replace(/0x[0-9a-f]+\(%rip\)/g, '...(%rip)');
}

/**
 * Compares a transcript with the example's expected.txt. Undefined when they agree; else where they part, with the
 * transcript left in expected.txt.actual. With UPDATE_EXPECTED=1 the transcript becomes the expectation.
 */
export function compareWithExpected(name: string, transcript: string): string | undefined {
  const expectedFile = join(GUESTS_FOLDER, name, 'expected.txt');
  const actualFile = `${expectedFile}.actual`;
  if (process.env['UPDATE_EXPECTED'] === '1') writeFileSync(expectedFile, transcript);
  const expected = existsSync(expectedFile) ? readFileSync(expectedFile, 'utf8') : '';
  const wanted = withoutLayout(expected).split('\n');
  const got = withoutLayout(transcript).split('\n');
  if (wanted.join('\n') === got.join('\n')) {
    rmSync(actualFile, { force: true });
    return undefined;
  }
  writeFileSync(actualFile, transcript);
  const line = got.findIndex((text, index) => text !== wanted[index]);
  const at = line < 0 ? got.length : line;
  return `line ${at + 1}: expected "${wanted[at] ?? ''}", got "${got[at] ?? ''}"; see ${name}/expected.txt.actual, `
    + 'or accept it with UPDATE_EXPECTED=1';
}
