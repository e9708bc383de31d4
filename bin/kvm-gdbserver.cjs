#!/usr/bin/env node
// Starts the command line from one file with V8's code cache beside it: 70 ms to the first packet's answer instead of
// 125 for some hundred ES modules (docs/decisions/0007-one-file.md). Both are made by scripts/bundle.mjs; without them,
// or with another version of Node, everything works and starts later.
'use strict';
const { existsSync, readFileSync, writeFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { Script } = require('node:vm');

const dist = join(__dirname, '..', 'dist');
const bundle = join(dist, 'bundle', 'cli.cjs');
const cache = `${bundle}.cache`;

function startBundle() {
  // It is ASCII, and the text of one function.
  const script = new Script(readFileSync(bundle, 'latin1'), {
    filename: bundle,
    ...(existsSync(cache) && { cachedData: readFileSync(cache) }),
  });
  // For scripts/code-cache.cjs: the functions that this run needed go into the cache.
  if (process.env.KVM_GDBSERVER_WRITE_CODE_CACHE === '1') {
    process.on('exit', () => writeFileSync(cache, script.createCachedData()));
  }
  script.runInThisContext()(exports, require, module, bundle, dirname(bundle));
}

const modules = join(dist, 'src', 'cli', 'main.js');
if (existsSync(bundle)) {
  startBundle();
} else if (existsSync(modules)) {
  void import(modules);
} else {
  process.stderr.write('kvm-gdbserver is not built yet; build it with: npm run build\n');
  process.exitCode = 1;
}
