/** `--gdb`: one command, gdb in the same terminal, attached, with helper and symbols. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'tape';
import { buildGuests, GUESTS_FOLDER } from '../support/gdb-session.js';
import { patience } from '../../time-scale.js';
import { SERVER_MAIN } from '../../server-command.js';


function run(args: readonly string[], env: NodeJS.ProcessEnv = process.env): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SERVER_MAIN, ...args], { cwd: GUESTS_FOLDER, encoding: 'utf8', timeout: patience(60_000), env });
  return { status, stdout, stderr };
}

function privateSockets(): string[] {
  return readdirSync(tmpdir()).filter((name) => /^kvm-gdbserver-[A-Za-z0-9]{6}$/.test(name));
}

test('--gdb: symbols, helper and connection are there, and nothing is left behind', (t) => {
  buildGuests();
  const before = privateSockets();
  const { status, stdout, stderr } = run(['--gdb', '--serial', 'none', join('build', 'kernel64.elf'), '--',
    '-nx', '-batch', '-ex', 'kvm mode', '-ex', 'info symbol $pc', '-ex', 'kill']);
  t.equal(status, 0, stderr);
  t.match(stdout, /^long64, cpl 0/m, 'the helper knows the mode');
  t.match(stdout, /_start.* in section/, 'the symbols are there');
  t.deepEqual(privateSockets(), before, 'the socket\'s folder is gone');
  t.end();
});

test('--gdb: without a gdb one sentence says so', (t) => {
  const { status, stderr } = run(['--gdb', join('build', 'modes.img')], { ...process.env, GDB: '/nowhere/gdb' });
  t.equal(status, 1);
  t.equal(stderr, 'kvm-gdbserver: There is no /nowhere/gdb to start; install gdb (apt-get install gdb) or name one in GDB.\n');
  t.end();
});
