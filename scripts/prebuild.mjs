// Makes prebuilds/linux-x64/kvm-gdbserver.node for the package: the binding as it was built, without its symbol table. It has
// no libc in its name because it serves glibc and musl (docs/decisions/0017-one-prebuilt-binary.md).
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './root.mjs';
import { bootstrap } from './bootstrap.mjs';
import { dieOf, runQuietly } from './run-quietly.mjs';

async function prebuild() {
  await bootstrap();
  const product = join(root, 'prebuilds', 'linux-x64', 'kvm-gdbserver.node');
  mkdirSync(dirname(product), { recursive: true });
  await runQuietly('Stripping the native binding failed.', 'strip', ['--strip-unneeded', '-o', product, join(root, 'build', 'Release', 'kvm.node')]);
}

prebuild().catch(dieOf);
