/**
 * The package from its tarball: packed, installed into an empty folder where nothing can compile, used there, used where
 * there is no KVM, and built from source where no prebuilt binary fits. The tests share one installation, for it takes long.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'tape';
import { PACKAGE_FOLDER } from '../project-folders.js';
import { install, pack, withNodeHeaders, withoutCompiler } from './support/installed-package.js';
import { run, runOrThrow, type Result } from './support/run-program.js';
import { folderOfFile } from '../temporary-folder.js';

const LARGEST_TARBALL = 2 << 20;
const OTHER_SYSTEM = join(PACKAGE_FOLDER, 'test/package/support/other-system.cjs');

/** What belongs to the making of the package. */
const FOR_DEVELOPERS = /^(test|bench|dist\/(test|bench)|\.ci|node_modules|build)\/|\.(map|o|actual|pyc|cache)$|^src\//;

const folder = folderOfFile();
/** Without a compiler. */
const env = withoutCompiler(folder);
const project = join(folder, 'project');
const installed = join(project, 'node_modules/kvm-gdbserver');
const hello = ['--run', '--listen', ':0', join(installed, 'examples/guests/build/hello.img')];
const program = (...args: string[]): Result => run('node', [join(installed, 'bin/kvm-gdbserver.cjs'), ...args], { cwd: project, env });

test('package: the tarball has what users need, and is small', (t) => {
  const { path, size, files } = pack(folder);
  t.ok(size < LARGEST_TARBALL, `${size} bytes`);
  t.deepEqual(files.filter((file) => FOR_DEVELOPERS.test(file)), [], 'nothing for developers');
  for (const wanted of ['LICENSE', 'README.md', 'prebuilds/linux-x64/kvm-gdbserver.node', 'dist/src/index.d.ts', 'gdb/kvm_gdbserver.py', 'man/kvm-gdbserver.1', 'docs/index.md', 'docs/reference/cli.md']) {
    t.ok(files.includes(wanted), wanted);
  }
  t.notOk(run('sh', ['-c', 'command -v gcc g++ cc make python3'], { cwd: folder, env }).stdout, 'nothing compiles in what follows');
  install(path, project, env);
  t.notOk(existsSync(join(installed, 'build')), 'and nothing was built');
  t.ok(existsSync(join(installed, 'dist/bundle/cli.cjs.cache')), 'the code cache was made for the Node that is there');
  t.end();
});

test('package: npx starts it, and the guest runs', (t) => {
  t.match(runOrThrow('npx', ['kvm-gdbserver', '--version'], { cwd: project, env }), /^kvm-gdbserver \d+\.\d+\.\d+\n$/);
  const { status, stdout, stderr } = run('npx', ['kvm-gdbserver', ...hello], { cwd: project, env });
  t.equal(stdout, 'Hello from real mode\n', stderr);
  t.equal(status, 0);
  const helper = program('gdb-script').stdout.trimEnd();
  t.equal(helper, join(installed, 'gdb/kvm_gdbserver.py'));
  t.ok(existsSync(helper), 'the helper for gdb is there');
  t.end();
});

test('package: the library, with types', (t) => {
  writeFileSync(join(project, 'look.ts'), `
    import { Machine } from 'kvm-gdbserver';
    const machine = Machine.boot('node_modules/kvm-gdbserver/examples/guests/build/hello.img');
    const { reason } = await machine.runTo(0x7c08n);
    console.log(reason.kind, '0x' + machine.pc.toString(16));
    machine.close();
  `);
  runOrThrow(process.execPath, [join(PACKAGE_FOLDER, 'node_modules/typescript/bin/tsc'), '--strict', '--target', 'es2022', '--module', 'nodenext',
    '--typeRoots', join(PACKAGE_FOLDER, 'node_modules/@types'), '--types', 'node', 'look.ts'], { cwd: project });
  t.equal(runOrThrow('node', ['look.js'], { cwd: project, env }), 'breakpoint 0x7c08\n');
  t.end();
});

test('package: on another system it installs, can be imported, and says what it needs', (t) => {
  const elsewhere = { ...env, NODE_OPTIONS: `--require=${OTHER_SYSTEM}` };
  for (const args of [hello, ['doctor']]) {
    const { status, stdout, stderr } = run('node', [join(installed, 'bin/kvm-gdbserver.cjs'), ...args], { cwd: project, env: elsewhere });
    t.equal(status, 1, args[0]);
    t.equal(stdout, '');
    t.equal(stderr, 'kvm-gdbserver: Guests run on the KVM of Linux on x86-64; this is darwin on arm64.\n');
  }
  t.equal(runOrThrow('node', ['-e', 'import("kvm-gdbserver").then(({ Machine }) => console.log(typeof Machine.boot))'], { cwd: project, env: elsewhere }),
    'function\n', 'what needs no guest can be imported there');
  t.match(runOrThrow('node', [join(installed, 'scripts/install.cjs')], { cwd: installed, env: elsewhere }),
    /^kvm-gdbserver runs guests on Linux on x86-64 only; on darwin on arm64 it is installed without its native binding\.\n$/);
  t.end();
});

test('package: without the prebuilt binary it is built from source, or a sentence says what is missing', (t) => {
  rmSync(join(installed, 'prebuilds'), { recursive: true });
  const missing = program(...hello);
  t.equal(missing.status, 1);
  t.match(missing.stderr, /^kvm-gdbserver: The native binding cannot be loaded \(No native build was found [^\n]*\); build it with: npm rebuild kvm-gdbserver, or in a clone: npm run build\n$/);
  const failed = run('npm', ['rebuild', 'kvm-gdbserver', '--foreground-scripts'], { cwd: project, env });
  t.notEqual(failed.status, 0, 'nothing can build it there');
  t.match(failed.stderr, /it takes g\+\+, make, python3 and the kernel's headers/);

  // Without optimization: what counts is that it builds.
  const compiling = withNodeHeaders({ ...process.env, CXXFLAGS: '-O0', JOBS: '2' });
  const built = run('npm', ['rebuild', 'kvm-gdbserver', '--foreground-scripts'], { cwd: project, env: compiling, seconds: 200 });
  t.equal(built.status, 0, built.stderr);
  t.ok(existsSync(join(installed, 'build/Release/kvm.node')), 'it was built');
  const { status, stdout, stderr } = program(...hello);
  t.equal(stdout, 'Hello from real mode\n', stderr);
  t.equal(status, 0);
  t.end();
});

test('package: the metadata names what is there', (t) => {
  const { bin, exports, os, cpu, publishConfig } = JSON.parse(readFileSync(join(PACKAGE_FOLDER, 'package.json'), 'utf8')) as {
    bin: Record<string, string>; exports: { '.': Record<string, string> }; os?: unknown; cpu?: unknown; publishConfig: object;
  };
  for (const path of [...Object.values(bin), ...Object.values(exports['.'])]) t.ok(existsSync(join(PACKAGE_FOLDER, path)), path);
  t.equal(os ?? cpu, undefined, 'it installs everywhere');
  t.deepEqual(publishConfig, { access: 'public', provenance: true });
  t.end();
});
