/** The order in which npm test begins its files, and how many run at a time. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'tape';
import { PACKAGE_FOLDER, script } from '../../project-folders.js';

interface Suites {
  readonly LONGEST: readonly string[];
  readonly longestFirst: (jobs: readonly { name: string }[]) => { name: string }[];
  readonly forEachAtOnce: (items: readonly number[], limit: number, work: (item: number) => Promise<void>) => Promise<void>;
}

const suites = (): Promise<Suites> => script<Suites>('scripts/test-suites.mjs');

test('the longest files are there, and are begun first', async (t) => {
  const { LONGEST, longestFirst } = await suites();
  t.deepEqual(LONGEST.filter((name) => name !== 'lint' && !existsSync(join(PACKAGE_FOLDER, name))), []);
  const [first, second] = LONGEST;
  t.deepEqual(longestFirst(['a', second, 'b', first].map((name) => ({ name }))).map(({ name }) => name), [first, second, 'a', 'b']);
});

test('so many at a time, each once, and the next as soon as one has ended', async (t) => {
  const { forEachAtOnce } = await suites();
  const ended: number[] = [];
  let [running, most] = [0, 0];
  await forEachAtOnce([9, 1, 2, 3], 2, async (turns) => {
    most = Math.max(most, ++running);
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
    running--;
    ended.push(turns);
  });
  t.deepEqual(ended, [1, 2, 3, 9]);
  t.equal(most, 2);
});
