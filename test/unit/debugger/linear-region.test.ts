/** The regions that lldb is told of, over page tables and memory of the test's own. */
import test from 'tape';
import { regionAround, type RegionMemory } from '../../../src/debugger/linear-region.js';
import type { MemoryRegion } from '../../../src/vmm/memory-layout.js';
import { pagingFormat, type PagingState } from '../../../src/x86/page-walk.js';
import { TableMemory } from '../x86/page-table-builder.js';

const REAL: PagingState = { cr0: 0x10n, cr3: 0n, cr4: 0n, efer: 0n };
const LONG: PagingState = { cr0: 0x8000_0001n, cr3: 0x1000n, cr4: 0x20n, efer: 0xd00n, physicalAddressBits: 40 };
const KINDS: readonly MemoryRegion[] = [
  { kind: 'ram', start: 0, size: 0xa_0000 }, { kind: 'video', start: 0xb_8000, size: 0x8000 }, { kind: 'rom', start: 0xc_0000, size: 0x4_0000 },
  { kind: 'ram', start: 0x10_0000, size: 0x10_0000 }, { kind: 'ram', start: 0x20_0000, size: 0x10_0000 },
];

class Memory extends TableMemory implements RegionMemory {
  readonly chunks = KINDS;

  chunkAt(gpa: number): MemoryRegion | undefined {
    return KINDS.find(({ start, size }) => gpa >= start && gpa < start + size);
  }
}

/** As lldb's `memory region --all` walks them: each begins where the one before ends. */
function allRegions(state: PagingState, memory: Memory): string[] {
  const lines: string[] = [];
  for (let address = 0n; address < 1n << 64n && lines.length < 40; ) {
    const { start, size, access, name } = regionAround(pagingFormat(state), memory, address);
    if (start !== address) throw new Error(`0x${address.toString(16)}: the region begins at 0x${start.toString(16)}`);
    const rights = access === undefined ? '---' : `r${access.writable ? 'w' : '-'}${access.executable ? 'x' : '-'}`;
    lines.push(`${start.toString(16)}-${(start + size).toString(16)} ${rights} ${name}`.trimEnd());
    address = start + size;
  }
  return lines;
}

test('memory regions without paging are the kinds of memory below 4 GiB', (t) => {
  t.deepEqual(allRegions(REAL, new Memory()), [
    '0-a0000 rwx RAM', 'a0000-b8000 rwx devices or nothing', 'b8000-c0000 rwx video memory', 'c0000-100000 r-x ROM',
    '100000-300000 rwx RAM', '300000-100000000 rwx devices or nothing', '100000000-10000000000000000 ---',
  ]);
  t.end();
});

test('memory regions by page tables: rights, pages of any size, what is not mapped, what no table can map', (t) => {
  const memory = new Memory().set64(0x1000, 0x2007n).set64(0x2000, 0x3007n)
    // 0: 4 KiB pages; 2 MiB: one large page, without execution, that only the kernel may touch.
    .set64(0x3000, 0x4007n).set64(0x3008, 0x8000_0000_0020_0083n);
  for (let page = 0; page < 512; page++) {
    // Pages 0 to 15 may be written; 16 to 31 lead 1 MiB further, which makes no difference; 32 is for user mode; the rest is not mapped.
    const entry = page < 16 ? 3 : page < 32 ? 0x10_0003 : page === 32 ? 7 : 0;
    memory.set64(0x4000 + 8 * page, BigInt(entry === 0 ? 0 : page * 4096 + entry));
  }
  t.deepEqual(allRegions(LONG, memory), [
    '0-20000 rwx RAM', '20000-21000 rwx RAM, user mode', '21000-200000 ---', '200000-300000 rw- RAM', '300000-400000 rw- devices or nothing',
    '400000-10000000000000000 ---',
  ]);
  const inside = regionAround(pagingFormat(LONG), memory, 0x1_5432n);
  t.deepEqual([inside.start, inside.size], [0n, 0x2_0000n], 'it is found from any address in it');
  const hole = regionAround(pagingFormat(LONG), memory, 0x8000_0000_0000_0000n);
  t.deepEqual([hole.start, hole.start + hole.size], [0x40_0000n, 1n << 64n], 'an address that is not canonical is in the hole');
  t.end();
});

test('a region of very many pages is told in parts', (t) => {
  const memory = new Memory().set64(0x1000, 0x2007n).set64(0x2000, 0x3007n);
  // Every page directory entry leads to the same table of 512 pages.
  for (let entry = 0; entry < 512; entry++) memory.set64(0x3000 + 8 * entry, 0x4007n).set64(0x4000 + 8 * entry, 0x3n);
  const { start, size } = regionAround(pagingFormat(LONG), memory, 0n);
  t.equal(start, 0n);
  t.ok(size >= 64n << 20n && size < 1n << 30n, `${size} bytes of 1 GiB`);
  t.end();
});
