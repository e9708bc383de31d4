// Makes dist/bundle/cli.cjs, the command line as one file, and its code cache (bin/kvm-gdbserver.cjs says why).
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeCodeCache } from './code-cache.cjs';
import { root } from './root.mjs';

/** yargs asserts what it was called with by Node's own `assert`, whose modules take as long to load as yargs: only where it is called. */
const assertWhenItFails = {
  name: 'assert-when-it-fails',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^assert$/ }, () => ({ path: 'assert', namespace: 'late' }));
    onLoad({ filter: /.*/, namespace: 'late' }, () => ({
      contents: "for (const name of ['strictEqual', 'notStrictEqual']) exports[name] = (...words) => require('node:assert')[name](...words);",
    }));
  },
};

/** Bundles what tsc has compiled. */
export async function bundle() {
  const { build } = await import('esbuild');
  const outfile = join(root, 'dist', 'bundle', 'cli.cjs');
  rmSync(`${outfile}.cache`, { force: true });
  await build({
    entryPoints: [join(root, 'dist', 'src', 'cli', 'main.js')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: 'error',
    define: { 'import.meta.url': 'importMetaUrl' },
    // As the function that bin/kvm-gdbserver.cjs calls.
    banner: { js: "(function (exports, require, module, __filename, __dirname) {const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
    footer: { js: '})' },
    charset: 'ascii',
    plugins: [assertWhenItFails],
  });
  makeCodeCache();
}
