/**
 * The shipped binary on musl: Node itself, run by musl's loader on musl's libc (support/node-on-musl.c), loads it and
 * debugs a guest.
 */
import { copyFileSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'tape';
import { PACKAGE_FOLDER } from '../project-folders.js';
import { run, runOrThrow, type Result } from './support/run-program.js';
import { withTemporaryFolder } from '../temporary-folder.js';

const SHIM = join(PACKAGE_FOLDER, 'test/package/support/node-on-musl.c');

/** Calls `work` with a function that runs Node on musl. */
async function withNodeOnMusl(work: (node: (...args: string[]) => Result) => void): Promise<void> {
  await withTemporaryFolder((folder) => {
    const libraries = join(folder, 'lib');
    mkdirSync(libraries);
    const shim = join(libraries, 'node-on-musl.so');
    runOrThrow('musl-gcc', ['-O1', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', '-o', shim, SHIM], { cwd: folder });
    // Node names glibc's loader among its libraries; here it is the one that runs already.
    writeFileSync(join(folder, 'empty.c'), '');
    runOrThrow('musl-gcc', ['-shared', '-fPIC', '-o', join(libraries, 'ld-linux-x86-64.so.2'), join(folder, 'empty.c')], { cwd: folder });
    for (const name of ['libstdc++.so.6', 'libgcc_s.so.1']) {
      copyFileSync(realpathSync(runOrThrow('g++', [`-print-file-name=${name}`], { cwd: folder }).trimEnd()), join(libraries, name));
    }
    const loader = ['--preload', shim, '--library-path', libraries, realpathSync(process.execPath)];
    work((...args) => run('/lib/ld-musl-x86_64.so.1', [...loader, ...args], { cwd: PACKAGE_FOLDER }));
  });
}

test('package: on musl the guest runs, is stepped, and errors of the binding are exceptions', async (t) => {
  await withNodeOnMusl((node) => {
    const libc = node('-p', 'require("node:fs").readFileSync("/proc/self/maps", "utf8").match(/\\S*(musl|libc)\\S*/g).filter((name) => name.includes("/")).join("\\n")');
    t.match(libc.stdout, /musl/, `Node starts there: ${libc.stderr}`);
    t.doesNotMatch(libc.stdout, /\/libc[.-]\S*so\.6|libpthread/, 'and no glibc is in the process');

    const hello = node('bin/kvm-gdbserver.cjs', '--run', '--listen', '127.0.0.1:0', 'examples/guests/build/hello.img');
    t.equal(hello.stdout, 'Hello from real mode\n', hello.stderr);
    t.equal(hello.status, 0);

    const stepping = node('dist/test/kvm/debugger/stepping.test.js');
    t.equal(stepping.status, 0, 'the suite of single steps');
    t.match(stepping.stdout, /^# pass {2}[1-9]\d\d$/m, stepping.stdout.split('\n').slice(-8).join(' '));

    const errors = node('-e', `
      const binding = require('./build/Release/kvm.node');
      try { binding.openSystem('/dev/null'); } catch (error) { console.log(error.code, error.message); }
      console.log(binding.describeError('KVM_FOO', 11));
      const { master, path } = binding.openPty();
      console.log(master > 0 && path.startsWith('/dev/pts/'));`);
    t.match(errors.stdout, /^ENOTTY the file opened as \/dev\/kvm is not KVM's[^\n]*\nKVM_FOO failed: [^\n]+ \(EAGAIN\)\ntrue\n$/, errors.stderr);
  });
});
