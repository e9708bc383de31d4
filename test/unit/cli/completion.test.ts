/** The completion script in a real bash. */
import { spawnSync } from 'node:child_process';
import test from 'tape';
import { completionScript } from '../../../src/cli/completion-script.js';
import { RUN_OPTIONS } from '../../../src/cli/run-options.js';

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
