import test from 'tape';
import { mappedRanges, presentPages } from '../../../src/x86/page-map.js';
import { translate, type PagingState } from '../../../src/x86/page-walk.js';
import { TableMemory } from './page-table-builder.js';

const long4: PagingState = { cr0: 0x8000_0001n, cr3: 0x1000n, cr4: 0x20n, efer: 0xd00n, physicalAddressBits: 40 };

function memory(): TableMemory {
  const tables = new TableMemory().set64(0x1000, 0x2007n).set64(0x1000 + 8 * 511, 0x2003n)
    .set64(0x2000, 0x3007n).set64(0x2000 + 8 * 511, 0x3007n)
    .set64(0x3000, 0x4007n).set64(0x3008, 0x0020_0087n).set64(0x3000 + 8 * 511, 0x0040_0081n);
  for (let page = 0; page < 512; page++) tables.set64(0x4000 + 8 * page, BigInt(page * 4096) | (page < 256 ? 3n : 7n));
  return tables;
}

test('page map: merged ranges as info mem lists them', (t) => {
  const { ranges, truncated } = mappedRanges(long4, memory());
  const text = ranges.map((r) => `${r.start.toString(16)}-${r.end.toString(16)} ${r.user ? 'u' : '-'}r${r.writable ? 'w' : '-'}`);
  t.deepEqual(text, [
    '0-100000 -rw', '100000-400000 urw', '3fe00000-40000000 -r-',
    '7fc0000000-7fc0100000 -rw', '7fc0100000-7fc0400000 urw', '7fffe00000-8000000000 -r-',
    'ffffff8000000000-ffffff8000400000 -rw', 'ffffff803fe00000-ffffff8040000000 -r-',
    'ffffffffc0000000-ffffffffc0400000 -rw', 'ffffffffffe00000-10000000000000000 -r-',
  ]);
  t.notOk(truncated);
  t.end();
});

test('page map: agrees with the walk on every page', (t) => {
  const tables = memory();
  let pages = 0;
  let wrong = 0;
  for (const page of presentPages(long4, tables)) {
    const { linear, size, ...rest } = page;
    const walked = translate(long4, linear, tables);
    pages++;
    if (!walked.mapped || walked.gpa !== rest.gpa || walked.pageSize !== size || walked.user !== rest.user
      || walked.writable !== rest.writable || walked.executable !== rest.executable) wrong++;
  }
  t.equal(pages, 4 * 514);
  t.equal(wrong, 0);
  t.end();
});

test('page map: bounded when a table points at itself', (t) => {
  const self = new TableMemory();
  for (let index = 0; index < 512; index++) self.set64(0x1000 + 8 * index, 0x1007n);
  const byEntries = mappedRanges(long4, self, { entries: 10_000 });
  t.ok(byEntries.truncated, 'entries');
  const byRanges = mappedRanges(long4, memory(), { ranges: 3 });
  t.ok(byRanges.truncated, 'ranges');
  t.equal(byRanges.ranges.length, 3);
  t.end();
});

test('page map: 32-bit, and nothing without paging', (t) => {
  const tables = new TableMemory().set32(0x1000 + 4 * 1023, 0x0040_0087);
  const legacy: PagingState = { cr0: 0x8000_0001n, cr3: 0x1000n, cr4: 0x10n, efer: 0n };
  t.deepEqual(mappedRanges(legacy, tables).ranges, [{ start: 0xffc0_0000n, end: 0x1_0000_0000n, writable: true, user: true }]);
  t.deepEqual(mappedRanges({ ...legacy, cr0: 1n }, tables).ranges, []);
  t.end();
});
