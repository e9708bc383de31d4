/** docs/hosts.md, "One behaviour from all of them": each test that a row names is there, by its file and by words of its title. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'tape';
import { PACKAGE_FOLDER } from '../../project-folders.js';

const SECTION = /^## One behaviour from all of them$([^]*?)^## /m;
/** Behind `test(`, `name:` and the beginning of a row, where tests are made from a table. */
const TITLE = /(?:\btest\(|\bname: |\[)(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|`((?:\\.|[^`\\])*)`)/g;

interface Named {
  readonly row: string;
  readonly file: string;
  readonly title: string;
}

/** "`file`: title, title; `file`: title": of test/kvm/debugger, test/kvm/native or as it stands. */
function testsOf(row: string): Named[] {
  const cells = row.split('|').map((cell) => cell.trim());
  const [, name = ''] = cells;
  return (cells.at(-2) ?? '').split('; ').flatMap((part) => {
    const [, place = '', titles = ''] = /^`([\w/-]+)`: (.+)$/.exec(part) ?? [];
    const folder = place.startsWith('test/') ? '' : place.includes('/') ? 'test/kvm/' : 'test/kvm/debugger/';
    return titles.split(', ').map((title) => ({ row: name, file: `${folder}${place}.test.ts`, title }));
  });
}

function isThere({ file, title }: Named): boolean {
  const path = join(PACKAGE_FOLDER, file);
  if (title === '' || !existsSync(path)) return false;
  const titles = [...readFileSync(path, 'utf8').matchAll(TITLE)].map(([, single, double, template]) => (single ?? double ?? template ?? '').replaceAll('\\', ''));
  return titles.some((words) => words.includes(title));
}

test('docs: every row of the table of cases names tests that exist', (t) => {
  const [, section = ''] = SECTION.exec(readFileSync(join(PACKAGE_FOLDER, 'docs/hosts.md'), 'utf8')) ?? [];
  const rows = section.split('\n').filter((line) => /^\| (?!case \|)/.test(line));
  t.ok(rows.length > 55, `${rows.length} rows`);
  t.deepEqual(rows.filter((row) => row.split('|').length !== 7), [], 'five columns each');
  t.deepEqual(rows.flatMap(testsOf).filter((named) => !isThere(named)), []);
  t.end();
});
