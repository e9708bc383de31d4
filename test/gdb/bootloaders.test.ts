/** docs/bootloaders.md: what is typed there gives what is printed there. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'tape';
import { PACKAGE_FOLDER } from './support/gdb-session.js';
import { retype } from './support/typed-document.js';

const DOCUMENT = join(PACKAGE_FOLDER, 'docs/bootloaders.md');

/** What differs from host to host: SVM loses the registers at a triple fault, and the server says so (src/debugger/fault-text.ts). */
function withoutHost(text: string): string {
  return text.replace(/^(Triple fault on .*? followed from it)\. .*$/gm, '$1.');
}

test('the examples of docs/bootloaders.md do what it says', async (t) => {
  const text = readFileSync(DOCUMENT, 'utf8');
  const actual = await retype(text);
  if (process.env['UPDATE_EXPECTED'] === '1') writeFileSync(DOCUMENT, actual);
  const [wanted, got] = [withoutHost(readFileSync(DOCUMENT, 'utf8')).split('\n'), withoutHost(actual).split('\n')];
  const line = got.findIndex((words, index) => words !== wanted[index]);
  t.equal(got[line], wanted[line], `line ${line + 1} of docs/bootloaders.md; see docs/bootloaders.md.actual, or accept it with UPDATE_EXPECTED=1`);
  t.equal(got.length, wanted.length, 'as many lines');
  const leftBehind = `${DOCUMENT}.actual`;
  if (wanted.join('\n') !== got.join('\n')) writeFileSync(leftBehind, actual);
  else if (existsSync(leftBehind)) rmSync(leftBehind);
  t.ok((text.match(/^\(gdb\) /gm) ?? []).length > 30, 'there are examples');
});
