/** No block in the documents has output that somebody copied: each says how it is made, or has none. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'tape';
import { PACKAGE_FOLDER } from '../../project-folders.js';

/** Comments that scripts/docs/sessions.mjs goes by. */
const MADE = /^<!-- (gdb|lldb|shell|view|excerpt of)\b.* -->$/;
/** Commands, drawings, files that one types: nothing that a program printed. */
const WITHOUT_OUTPUT = new Set(['sh', 'text']);
/** Typed anew from its first block to its last by test/gdb/bootloaders. */
const TYPED = 'docs/bootloaders.md';

const PAGES = ['README.md', 'CONTRIBUTING.md', ...readdirSync(join(PACKAGE_FOLDER, 'docs'), { recursive: true })
  .map((name) => join('docs', String(name))).filter((name) => name.endsWith('.md') && name !== TYPED)];

test('every block of the documents is made by npm run docs, or has no output', (t) => {
  const byHand: string[] = [];
  let blocks = 0;
  for (const page of PAGES) {
    let isInside = false;
    const lines = readFileSync(join(PACKAGE_FOLDER, page), 'utf8').split('\n');
    for (const [index, line] of lines.entries()) {
      if (!line.startsWith('```')) continue;
      isInside = !isInside;
      if (!isInside) continue;
      blocks++;
      if (!WITHOUT_OUTPUT.has(line.slice(3)) && !MADE.test(lines[index - 1] ?? '')) byHand.push(`${page}:${index + 1}`);
    }
    t.notOk(isInside, `${page}: its last block ends`);
  }
  t.ok(blocks > 30, `${blocks} blocks`);
  t.deepEqual(byHand, []);
  t.end();
});
