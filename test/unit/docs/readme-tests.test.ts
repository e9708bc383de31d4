/** Every test that README.md names is there. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'tape';
import { ROOT } from '../hosts/project.js';

/** `test/gdb/catch` is a file `test/gdb/catch.test.ts`, `test/unit/x86` a folder, and `catch-*` any file that begins so. */
function exists(path: string): boolean {
  if (path.endsWith('-*')) return exists(dirname(path));
  return existsSync(join(ROOT, `${path}.test.ts`)) || existsSync(join(ROOT, path));
}

test('the tests that README.md names exist', (t) => {
  const named = [...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/`(test\/[a-z0-9/*-]+)`/g)].map(([, path]) => path);
  t.ok(named.length > 30, `${named.length} names`);
  t.deepEqual(named.filter((path) => !exists(path)), []);
  t.end();
});
