/** The binary that is shipped asks for no more than Node 20's own floor (glibc 2.28) and musl have. */
import { join } from 'node:path';
import test from 'tape';
import { PACKAGE_FOLDER } from '../project-folders.js';
import { runOrThrow } from './support/run-program.js';

const BINARY = join(PACKAGE_FOLDER, 'build/Release/kvm.node');
/** musl's libc and loader in one (Debian's package musl). */
const MUSL = '/lib/ld-musl-x86_64.so.1';
/** https://github.com/nodejs/node/blob/v20.x/BUILDING.md, supported platforms. */
const OLDEST_GLIBC = [2, 28] as const;

interface Needed {
  readonly name: string;
  /** `GLIBC_2.2.5`; absent where any version will do. */
  readonly version?: string;
  readonly weak: boolean;
}

function neededSymbols(): Needed[] {
  return runOrThrow('nm', ['-D', '--undefined-only', BINARY], { cwd: PACKAGE_FOLDER }).trimEnd().split('\n').map((line) => {
    const [, kind, name, version] = /^\s+(\w) ([^@]+)(?:@(.+))?$/.exec(line) ?? [];
    return { name, weak: kind === 'w', ...(version !== undefined && { version }) };
  });
}

function isOlderThanFloor(version: string): boolean {
  const [major, minor] = version.split('.').map(Number);
  return major < OLDEST_GLIBC[0] || (major === OLDEST_GLIBC[0] && minor <= OLDEST_GLIBC[1]);
}

test('package: no symbol of a newer glibc than 2.28, and libstdc++ is inside', (t) => {
  const versions = new Set(neededSymbols().flatMap(({ version }) => version ?? []));
  t.ok(versions.size > 3, 'versions were read');
  for (const version of versions) {
    const [, library, number] = /^([A-Z]+)_([\d.]+)$/.exec(version) ?? [];
    t.ok((library === 'GLIBC' && isOlderThanFloor(number)) || library === 'GCC', version);
  }
  t.end();
});

test('package: what has no version is Node\'s, and the two libraries are everywhere', (t) => {
  const others = neededSymbols().filter(({ name, version, weak }) => version === undefined && !weak && !name.startsWith('napi_'));
  t.deepEqual(others.map(({ name }) => name), ['__tls_get_addr'], 'the loader\'s');
  const libraries = [...runOrThrow('readelf', ['-dW', BINARY], { cwd: PACKAGE_FOLDER }).matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name);
  t.deepEqual(libraries.sort(), ['libc.so.6', 'libgcc_s.so.1']);
  t.end();
});

test('package: musl has every function of libc that the binary calls', (t) => {
  const offered = new Set(runOrThrow('nm', ['-D', '--defined-only', MUSL], { cwd: PACKAGE_FOLDER }).split('\n').map((line) => line.split(' ')[2]));
  t.ok(offered.has('pthread_create'), 'musl\'s names were read');
  const missing = neededSymbols().filter(({ name, version, weak }) => !weak && version?.startsWith('GLIBC_') === true && !offered.has(name));
  t.deepEqual(missing, []);
  t.end();
});
