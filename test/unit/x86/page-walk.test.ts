import test from 'tape';
import { describePageFault, pagingFormat, translate, type PagingState } from '../../../src/x86/page-walk.js';
import { TableMemory } from './page-table-builder.js';

const PG = 0x8000_0001n;
const NX = 1n << 63n;
const LMA = 0x500n;
const LMA_NXE = 0xd00n;
const none: PagingState = { cr0: 1n, cr3: 0n, cr4: 0n, efer: 0n };
const legacy: PagingState = { cr0: PG, cr3: 0x1000n, cr4: 0x10n, efer: 0n, physicalAddressBits: 40 };
const pae: PagingState = { cr0: PG, cr3: 0x1020n, cr4: 0x20n, efer: 0x800n, physicalAddressBits: 40 };
const long4: PagingState = { cr0: PG, cr3: 0x1000n, cr4: 0x20n, efer: LMA_NXE, physicalAddressBits: 40 };
const long5: PagingState = { ...long4, cr4: 0x1020n };

test('page walk: no paging is identity modulo 2^32', (t) => {
  const result = translate(none, 0x1_0000_1234n, new TableMemory());
  t.deepEqual(result, { mapped: true, gpa: 0x1234, pageSize: 4096, writable: true, user: true, executable: true });
  t.equal(pagingFormat({ ...none, cr0: 0x8000_0000n }).kind, 'none', 'PG without PE is not paging');
  t.end();
});

test('page walk: 32-bit tables', (t) => {
  const memory = new TableMemory()
    .set32(0x1000 + 4 * 1, 0x2007).set32(0x2000 + 4 * 2, 0x1234_5003)
    .set32(0x1000 + 4 * 3, 0x0040_0083)
    .set32(0x1000 + 4 * 4, 0x0040_0083 | (0x5 << 13))
    .set32(0x1000 + 4 * 5, 0x0040_0083 | (1 << 21))
    .set32(0x1000 + 4 * 6, 0x7ff0_0003);
  t.deepEqual(translate(legacy, 0x0040_2abcn, memory),
    { mapped: true, gpa: 0x1234_5abc, pageSize: 4096, writable: true, user: false, executable: true });
  t.deepEqual(translate(legacy, 0x00c1_2345n, memory),
    { mapped: true, gpa: 0x41_2345, pageSize: 1 << 22, writable: true, user: false, executable: true });
  t.equal((translate(legacy, 0x0100_0000n, memory) as { gpa: number }).gpa, 0x5_0040_0000, 'PSE-36 address bits');
  t.equal((translate(legacy, 0x0140_0000n, memory) as { reason: string }).reason, 'reserved-bits', 'bit 21 of a 4 MiB PDE');
  t.equal((translate({ ...legacy, physicalAddressBits: 32 }, 0x0100_0000n, memory) as { reason: string }).reason,
    'reserved-bits', 'PSE-36 bits beyond MAXPHYADDR');
  t.equal((translate(legacy, 0x0180_0000n, memory) as { reason: string }).reason, 'table-outside-memory');
  t.equal((translate({ ...legacy, cr4: 0n }, 0x00c1_2345n, memory) as { reason: string }).reason,
    'table-outside-memory', 'without CR4.PSE bit 7 names no page: the PDE points to a table');
  const fault = translate(legacy, 0n, memory);
  t.deepEqual(fault, { mapped: false, linear: 0n, reason: 'not-present', entryName: 'PDE', entryGpa: 0x1000 });
  t.end();
});

test('page walk: PAE tables', (t) => {
  const memory = new TableMemory()
    .set64(0x1020, 0x2001n).set64(0x1028, 0x2007n).set64(0x1030, 0x2001n | (1n << 45n))
    .set64(0x2000, 0x3007n).set64(0x3000 + 8 * 5, 0xab_cdef_0007n & ~0xfffn | 7n | NX)
    .set64(0x2000 + 8, 0x0060_0087n).set64(0x2000 + 16, 0x0060_2087n);
  t.deepEqual(translate(pae, 0x5123n, memory),
    { mapped: true, gpa: 0xab_cdef_0123, pageSize: 4096, writable: true, user: true, executable: false });
  t.deepEqual(translate(pae, 0x21_2345n, memory),
    { mapped: true, gpa: 0x61_2345, pageSize: 1 << 21, writable: true, user: true, executable: true });
  const reasons: [bigint, string, string][] = [
    [0x4000_0000n, 'reserved-bits', 'R/W in a PDPTE is reserved'],
    [0x8000_0000n, 'reserved-bits', 'address beyond MAXPHYADDR'],
    [0xc000_0000n, 'not-present', 'absent PDPTE'],
    [0x40_0000n, 'reserved-bits', 'bit 13 of a 2 MiB PDE'],
  ];
  for (const [linear, reason, message] of reasons) {
    t.equal((translate(pae, linear, memory) as { reason: string }).reason, reason, message);
  }
  t.equal((translate({ ...pae, efer: 0n }, 0x5123n, memory) as { reason: string }).reason, 'reserved-bits',
    'XD without EFER.NXE');
  t.equal((translate({ ...pae, pdptes: [0n, 0x2001n, 0n, 0n] }, 0x4020_0000n, memory) as { gpa: number }).gpa, 0x60_0000,
    'PDPTE registers go before memory');
  t.end();
});

function tables4(): TableMemory {
  return new TableMemory()
    .set64(0x1000, 0x2007n).set64(0x1000 + 8 * 511, 0x2003n).set64(0x1000 + 8, 0x2087n)
    .set64(0x2000, 0x3007n).set64(0x2000 + 8, 0x1_4000_0087n).set64(0x2000 + 16, 0x1_4000_2087n)
    .set64(0x2000 + 8 * 510, 0x3007n | NX)
    .set64(0x3000, 0x4007n).set64(0x3000 + 8, 0x0060_0085n).set64(0x3000 + 16, 0xfff0_0007n)
    .set64(0x4000, 0x9005n).set64(0x4008, 0xa007n | (1n << 41n)).set64(0x4010, 0xb007n | (0x7ffn << 52n));
}

test('page walk: 4-level tables', (t) => {
  const memory = tables4();
  t.deepEqual(translate(long4, 0x123n, memory),
    { mapped: true, gpa: 0x9123, pageSize: 4096, writable: false, user: true, executable: true });
  t.deepEqual(translate(long4, 0x2f_ffffn, memory),
    { mapped: true, gpa: 0x6f_ffff, pageSize: 1 << 21, writable: false, user: true, executable: true });
  t.deepEqual(translate(long4, 0x7fff_fff8n, memory),
    { mapped: true, gpa: 0x1_7fff_fff8, pageSize: 1 << 30, writable: true, user: true, executable: true });
  t.deepEqual(translate(long4, 0xffff_ffff_8020_0008n, memory),
    { mapped: true, gpa: 0x60_0008, pageSize: 1 << 21, writable: false, user: false, executable: false },
    'permissions of all levels together');
  t.equal((translate(long4, 0x2123n, memory) as { gpa: number }).gpa, 0xb123, 'bits 62:52 are ignored');
  const reasons: [bigint, string, string][] = [
    [0x1000n, 'reserved-bits', 'address beyond MAXPHYADDR'],
    [0x8000_0000n, 'reserved-bits', 'bit 13 of a 1 GiB PDPTE'],
    [0x80_0000_0000n, 'reserved-bits', 'PS in a PML4E'],
    [0x3000n, 'not-present', 'absent PTE'],
    [0x40_0000n, 'table-outside-memory', 'page table outside memory'],
    [0x8000_0000_0000n, 'non-canonical', 'bit 47 alone'],
    [0xffff_7fff_ffff_ffffn, 'non-canonical', 'just below the upper half'],
  ];
  for (const [linear, reason, message] of reasons) {
    const result = translate(long4, linear, memory);
    t.equal(result.mapped ? 'mapped' : result.reason, reason, message);
    if (!result.mapped) t.match(describePageFault(result), new RegExp(`^0x${linear.toString(16)} is not`), 'a sentence');
  }
  t.equal((translate({ ...long4, gigabytePages: false }, 0x4000_0000n, memory) as { reason: string }).reason,
    'reserved-bits', 'PS in a PDPTE without 1 GiB pages');
  t.equal((translate({ ...long4, efer: LMA }, 0xffff_ffff_8020_0000n, memory) as { reason: string }).reason,
    'reserved-bits', 'XD without EFER.NXE');
  t.equal((translate({ ...long4, cr3: 0x1fffn }, 0x123n, memory) as { gpa: number }).gpa, 0x9123, 'PCID is no address');
  t.end();
});

test('page walk: 5-level tables', (t) => {
  const memory = new TableMemory().set64(0x1000 + 8 * 0x1ff, 0x2007n).set64(0x1000 + 8, 0x2007n)
    .set64(0x2000, 0x3007n).set64(0x3000, 0x1_0000_0087n);
  t.equal((translate(long5, 0x1_0000_0000_0123n, memory) as { gpa: number }).gpa, 0x1_0000_0123, 'index from bits 56:48');
  t.equal((translate(long5, 0xffff_0000_0000_0123n, memory) as { gpa: number }).gpa, 0x1_0000_0123);
  t.equal((translate(long5, 0x0100_0000_0000_0000n, memory) as { reason: string }).reason, 'non-canonical');
  t.end();
});

test('page walk: reads two dwords a level and no more', (t) => {
  const memory = tables4();
  translate(long4, 0x123n, memory);
  t.equal(memory.reads, 8);
  t.end();
});
