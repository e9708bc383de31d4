/** The completion script in a real bash and a real zsh. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'tape';
import { completionScript } from '../../../src/cli/completion-script.js';
import { RUN_OPTIONS } from '../../../src/cli/run-options.js';
import { PACKAGE_FOLDER } from '../../project-folders.js';

/** What bash offers for the last of `words`. */
function offered(...words: string[]): string[] {
  const list = ['kvm-gdbserver', ...words].map((word) => `'${word}'`).join(' ');
  const script = `${completionScript()}
    cd /; COMP_WORDS=(${list}); COMP_CWORD=${words.length}; _kvm_gdbserver; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8', timeout: 10_000 });
  if (status !== 0 || stderr !== '') throw new Error(`bash ended with ${status}: ${stderr}`);
  return stdout.split('\n').filter((word) => word !== '');
}

test('completion: options, values, lists, commands and files', (t) => {
  t.deepEqual(offered('--').sort(), [...Object.keys(RUN_OPTIONS), 'initrd', 'help', 'version'].map((name) => `--${name}`).sort());
  t.deepEqual(offered('--on-').sort(), ['--on-disconnect', '--on-kill']);
  t.deepEqual(offered('--boot', 'mu'), ['multiboot', 'multiboot2']);
  t.deepEqual(offered('--log', 'rsp,e'), ['rsp,exit'], 'a list goes on');
  t.deepEqual(offered('--cpus', ''), [], 'a number is nobody\'s guess');
  t.deepEqual(offered('doc'), ['doctor']);
  t.ok(offered('de').includes('dev'), 'files');
  t.ok(offered('--disk', 'de').includes('dev'), 'files where the option takes one');
  t.notOk(offered('--serial', 'st').includes('dev'), 'and not where it does not');
  t.deepEqual(offered('--serial', 'st'), ['stdio']);
  t.end();
});

/** The command line after a press of the tab key behind each of `lines`, in the folder /. */
function afterTab(...lines: string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-zsh-'));
  try {
    const script = join(folder, 'completion');
    writeFileSync(script, completionScript());
    const typing = [join(PACKAGE_FOLDER, 'test/unit/cli/type-in-zsh.zsh'), script, ...lines];
    const { status, stdout, stderr } = spawnSync('zsh', ['-f', ...typing], { cwd: '/', encoding: 'utf8', timeout: 30_000, env: { ...process.env, HOME: folder } });
    if (status !== 0 || stderr !== '') throw new Error(`zsh ended with ${status}: ${stderr}`);
    return stdout.trimEnd().split('\n').map((line) => line.replace('kvm-gdbserver ', '').trimEnd());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('completion: the tab key in zsh', (t) => {
  const typed = ['kvm-gdbserver --firmw', 'kvm-gdbserver --irqchip k', 'kvm-gdbserver --boot-order disk,cd', 'kvm-gdbserver doc', 'kvm-gdbserver --disk /de'];
  t.deepEqual(afterTab(...typed), ['--firmware', '--irqchip kernel', '--boot-order disk,cdrom', 'doctor', '--disk /dev/']);
  t.end();
});
