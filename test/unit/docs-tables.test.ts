/** What is written by hand in the documents: tables name what the code has, links lead somewhere. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'tape';
import { ALL_COMMANDS } from '../../src/rsp/dispatch.js';
import { PACKAGE_FOLDER } from '../project-folders.js';

const read = (path: string): string => readFileSync(join(PACKAGE_FOLDER, path), 'utf8');

/** Every word in `…` of a table's first column. */
function firstColumn(page: string): Set<string> {
  const cells = page.split('\n').filter((line) => line.startsWith('| ')).map((line) => line.split('|')[1]);
  return new Set(cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`|(0x03)/g)].flatMap(([, words]) => (words ?? '').split(' '))));
}

test('docs: packets.md names every packet that has a handler', (t) => {
  // `qXfer:features` is part of `qXfer`.
  const named = new Set([...firstColumn(read('docs/packets.md'))].map((name) => name.split(':')[0]));
  t.deepEqual(ALL_COMMANDS.map(({ name }) => name).filter((name) => !named.has(name)), []);
  t.end();
});

test('docs: guides/exits.md names every reason of src/vmm/exit.ts, and no other', (t) => {
  const reasons = new Set([...read('src/vmm/exit.ts').matchAll(/reason: ('[^;\n]+)/g)].flatMap(([, names]) => [...names.matchAll(/'([\w-]+)'/g)].map(([, name]) => name)));
  t.ok(reasons.has('io') && reasons.has('run-error') && reasons.has('wrmsr'), 'the reasons were read');
  const named = firstColumn(read('docs/guides/exits.md'));
  t.deepEqual([...named].filter((name) => !reasons.has(name)), []);
  t.deepEqual([...reasons].filter((name) => !named.has(name)), []);
  t.end();
});

/** The anchor that GitHub gives a heading. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').trim().replace(/\s/g, '-');
}

/** True for a page that has such a heading, or any file when `anchor` is empty. */
function hasHeading(path: string, anchor: string): boolean {
  return anchor === '' || [...read(path).matchAll(/^#+ (.+)$/gm)].some(([, heading]) => anchorOf(heading) === anchor);
}

test('docs: every link between files leads to one, and to a heading that is there', (t) => {
  const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md',
    ...readdirSync(join(PACKAGE_FOLDER, 'docs'), { recursive: true }).map((name) => join('docs', String(name))).filter((name) => name.endsWith('.md'))];
  const links = pages.flatMap((page) => [...read(page).matchAll(/\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)/g)].map(([, link, anchor]) => ({
    page, anchor, link: link === '' ? page : join(dirname(page), link),
  })));
  t.ok(links.length > 100 && links.some(({ anchor }) => anchor !== ''), `${links.length} links`);
  t.deepEqual(links.filter(({ link, anchor }) => !existsSync(join(PACKAGE_FOLDER, link)) || !hasHeading(link, anchor)), []);
  t.end();
});
