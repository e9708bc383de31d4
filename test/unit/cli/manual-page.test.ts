/** man/kvm-gdbserver.1 as man shows it: nothing that groff complains about, and every option. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'tape';
import { OPTION_TEXTS } from '../../../src/cli/option-texts.js';
import { PACKAGE_FOLDER } from '../../project-folders.js';

test('the manual page', (t) => {
  // Without overstrikes and escapes, which make bold and underlined words for a terminal.
  const { status, stdout, stderr } = spawnSync('groff', ['-man', '-Tascii', '-ww', '-P-cbou', '-rLL=120n', join(PACKAGE_FOLDER, 'man/kvm-gdbserver.1')], { encoding: 'utf8' });
  t.deepEqual([status, stderr], [0, ''], 'groff has nothing to complain of');
  for (const section of ['NAME', 'SYNOPSIS', 'DESCRIPTION', 'COMMANDS', 'OPTIONS', 'EXIT STATUS', 'SIGNALS', 'ENVIRONMENT', 'EXAMPLES']) {
    t.ok(stdout.split('\n').includes(section), section);
  }
  const shown = new Set([...stdout.matchAll(/^ {7}--([a-z-]+)/gm)].map(([, name]) => name));
  t.deepEqual(Object.keys(OPTION_TEXTS).filter((name) => !shown.has(name)), [], 'every option has its paragraph');
  t.end();
});
