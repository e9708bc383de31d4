// Makes V8's code cache of the command line, which holds for the Node that runs this only (docs/decisions/0007-one-file.md): at build by
// bundle.mjs, at installation by install.cjs. Without it all works and starts later.
'use strict';
const { spawnSync } = require('node:child_process');
const { join } = require('node:path');

/**
 * The cache has what this run needs: a guest that prints a line and switches itself off; where there is no KVM the run fails, and the cache
 * has what comes before.
 */
exports.makeCodeCache = () => {
  const root = join(__dirname, '..');
  const run = ['--run', '--listen', '127.0.0.1:0', join(root, 'examples', 'guests', 'build', 'hello.img')];
  spawnSync(process.execPath, [join(root, 'bin', 'kvm-gdbserver.cjs'), ...run], {
    env: { ...process.env, KVM_GDBSERVER_WRITE_CODE_CACHE: '1' }, stdio: 'ignore', timeout: 10_000,
  });
};
