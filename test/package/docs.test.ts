/** The documents are what `npm run docs` would write: reference pages from the code, sessions from gdb and the shell. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'tape';
import { PACKAGE_FOLDER } from '../project-folders.js';
import { patience } from '../time-scale.js';

test('docs: npm run docs -- --check', (t) => {
  const { status, signal, stderr } = spawnSync(process.execPath, [join(PACKAGE_FOLDER, 'scripts/docs.mjs'), '--check'], { encoding: 'utf8', timeout: patience(240_000) });
  t.deepEqual([status, signal], [0, null], stderr);
  t.end();
});
