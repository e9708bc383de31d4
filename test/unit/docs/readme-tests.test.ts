/** Every test that README.md names is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'tape';
import { PACKAGE_FOLDER } from '../../project-folders.js';

/** `test/gdb/catch` is a file `test/gdb/catch.test.ts`, `test/unit/x86` a folder, and `catch-*` any file that begins so. */
function exists(path: string): boolean {
  if (path.endsWith('*')) {
    const folder = dirname(path);
    return readdirSync(join(PACKAGE_FOLDER, folder)).some((name) => join(folder, name).startsWith(path.slice(0, -1)) && name.endsWith('.test.ts'));
  }
  return existsSync(join(PACKAGE_FOLDER, `${path}.test.ts`)) || existsSync(join(PACKAGE_FOLDER, path));
}

/** The tests of a table's last cell: what has no folder is in that of the name before it. */
function testsOf(cell: string): string[] {
  let folder = '';
  return [...cell.matchAll(/`([a-z0-9/*-]+)`/g)].map(([, name]) => {
    const path = name.startsWith('test/') ? name : join(folder, name);
    folder = dirname(path);
    return path;
  });
}

test('the tests that README.md names exist', (t) => {
  const cells = readFileSync(join(PACKAGE_FOLDER, 'README.md'), 'utf8').split('\n')
    .filter((line) => line.startsWith('|')).map((line) => line.split('|').at(-2) ?? '').filter((cell) => cell.includes('`test/'));
  const named = cells.flatMap(testsOf);
  t.ok(named.length > 90, `${named.length} names`);
  t.deepEqual(named.filter((path) => !exists(path)), []);
  t.end();
});
