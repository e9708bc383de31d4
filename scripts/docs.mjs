// npm run docs: writes the reference pages and the manual page from the code, and runs every session that stands in a guide
// again. With --check nothing is written, and a page that is not what it would be is an error. Addresses that a compiler or a
// host chooses are not compared.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { bootstrap } from './bootstrap.mjs';
import { root } from './root.mjs';
import { StepError, describe, dieOf } from './run-quietly.mjs';

/** Pages whose sessions are run: README, and those of these folders. */
const GUIDES = ['docs', 'docs/guides'];

/** What differs between two good runs: addresses, and what hosts do differently. */
function comparable(text) {
  return text
    .replace(/\b0x[0-9a-f]{5,}\b/g, '0x...')
    .replace(/<(\w+)(\+\d+)?>/g, '<$1+...>')
    // What hosts without data breakpoints do instead, in the server's words.
    .replace(/^(The guest's stack has moved into|The \w+ watchpoint at \S+ is found by) .*\n/gm, '')
    // Accessed and Dirty bits are the host's to set.
    .replace(/^page directory: [0-9a-f]+$/gm, 'page directory: ...');
}

/** Every page of the documents that is made, with its text. */
async function* pages() {
  const { referencePages } = await import('./docs/reference-pages.mjs');
  yield* referencePages();
  const { withSessionsRun } = await import('./docs/sessions.mjs');
  const guides = GUIDES.flatMap((folder) => readdirSync(join(root, folder)).filter((file) => file.endsWith('.md')).sort().map((name) => join(folder, name)));
  for (const path of ['README.md', ...guides]) {
    const run = await withSessionsRun(readFileSync(join(root, path), 'utf8'), path);
    if (run !== undefined) yield [path, run];
  }
}

async function main() {
  const { values: { check } } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
  await bootstrap();
  const drifted = [];
  for await (const [path, text] of pages()) {
    const file = join(root, path);
    const stands = existsSync(file) ? readFileSync(file, 'utf8') : '';
    if (comparable(stands) === comparable(text)) continue;
    drifted.push(path);
    if (check) {
      const [was, is] = [comparable(stands).split('\n'), comparable(text).split('\n')];
      const line = is.findIndex((words, at) => words !== was[at]);
      console.error(`${path}:${line + 1}: has "${was[line] ?? ''}", would be "${is[line] ?? ''}"`);
    } else {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  }
  if (check && drifted.length > 0) {
    console.error(`Out of date: ${drifted.join(', ')}; run npm run docs and read the difference.`);
    process.exit(1);
  }
  console.log(drifted.length === 0 ? 'The documents are up to date.' : `Written: ${drifted.join(', ')}`);
}

// An error of a program's pipe or a promise that nobody waits for: named, with where it came from.
process.on('uncaughtException', (error, origin) => dieOf(new StepError(`npm run docs failed by an ${origin}: ${describe(error)}`)));
main().catch(dieOf);
