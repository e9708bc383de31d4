// From a fresh clone to something that runs: packages, modules, native binding, TypeScript, guests.
// Every step is skipped when its result is up to date. Needs nothing but Node, so it can be the first command.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';
import { isUpToDate } from './freshness.mjs';
import { root } from './root.mjs';
import { StepError, dieOf, runQuietly } from './run-quietly.mjs';
import { ensureSystemPackages } from './system-packages.mjs';

function announce(text) {
  // On stderr: what is set up for may print results for machines.
  console.error(`setup: ${text}`);
}

function ensureNode() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new StepError(`KVM guests of this project run on Linux on x86-64; this is ${process.platform} on ${process.arch}.`);
  }
  if (Number(process.versions.node.split('.')[0]) < 20) {
    throw new StepError(`Node.js 20 or newer is needed; this is ${process.version}.`);
  }
}

/** True if what is installed in node_modules is what package-lock.json asks for. */
export function modulesMatchLock(lock, installed) {
  return Object.entries(lock.packages).every(([path, wanted]) =>
    path === '' || wanted.optional === true || installed.packages[path]?.version === wanted.version);
}

async function ensureModules() {
  const hidden = join(root, 'node_modules', '.package-lock.json');
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  if (existsSync(hidden) && modulesMatchLock(lock, JSON.parse(readFileSync(hidden, 'utf8')))) return;
  announce('installing the npm packages of package-lock.json');
  // Without scripts: the only one is our own native build, which is a step of its own below.
  await runQuietly('npm ci failed; is the npm registry reachable?',
    'npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: root });
}

async function ensureNativeBinding() {
  const product = join(root, 'build', 'Release', 'kvm.node');
  // Portable: what is tested is what is shipped. npm's own build, of a plain npm install here, is not, and leaves no stamp.
  const stamp = join(root, 'build', '.portable');
  if (existsSync(product) && isUpToDate(stamp, [join(root, 'native'), join(root, 'binding.gyp')])) return;
  announce('building the native binding');
  const env = { ...process.env, GYP_DEFINES: 'portable=1' };
  const args = [join(root, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js'), 'rebuild'];
  // Node's own headers, where they came with it, spare node-gyp a download.
  const prefix = dirname(dirname(process.execPath));
  if (existsSync(join(prefix, 'include', 'node', 'node_api.h'))) args.push(`--nodedir=${prefix}`);
  await runQuietly('Building the native binding failed; the compiler\'s words are above.', process.execPath, args, { cwd: root, env });
  writeFileSync(stamp, '');
}

async function ensureTypeScript() {
  const stamp = join(root, 'dist', '.built');
  const sources = ['src', 'test', 'bench', 'examples/library', 'tsconfig.json', 'package-lock.json'].map((path) => join(root, path));
  if (isUpToDate(stamp, sources, (path) => /\.(ts|json)$/.test(path))) return;
  announce('compiling TypeScript');
  rmSync(stamp, { force: true });
  await runQuietly('The TypeScript compiler found errors.',
    process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', '.', '--pretty', 'false'], { cwd: root });
  // tsc also emits when it has found errors; the stamp says that it found none.
  writeFileSync(stamp, '');
}

async function ensureGuests() {
  const folder = join(root, 'examples', 'guests');
  await runQuietly('Building the example guests failed.', 'make', ['-s', '-C', folder]);
}

async function ensureBundle() {
  const product = join(root, 'dist', 'bundle', 'cli.cjs');
  if (isUpToDate(product, [join(root, 'dist', '.built'), join(root, 'scripts', 'bundle.mjs'), join(root, 'scripts', 'code-cache.cjs'), join(root, 'bin')])) return;
  announce('bundling the command line');
  await bundle();
}

/**
 * Makes everything that running needs.
 * @throws {StepError} with one sentence at the first step that fails
 */
export async function bootstrap() {
  ensureNode();
  await ensureSystemPackages(announce);
  await ensureModules();
  await ensureNativeBinding();
  await ensureTypeScript();
  await ensureGuests();
  await ensureBundle();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) bootstrap().catch(dieOf);
