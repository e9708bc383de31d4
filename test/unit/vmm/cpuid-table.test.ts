import test from 'tape';
import { cpuidTable, type CpuidOptions } from '../../../src/vmm/cpuid-table.js';
import type { StructLayout } from '../../../src/vmm/native.js';

const NAMES = ['function', 'index', 'flags', 'eax', 'ebx', 'ecx', 'edx'];
const LAYOUT: StructLayout = { size: 40, fields: Object.fromEntries(NAMES.map((name, i) => [name, { offset: i * 4, size: 4 }])) };

/** Rows are [function, index, eax, ebx, ecx, edx]. */
function entries(rows: readonly (readonly number[])[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(rows.length * 40));
  rows.forEach(([leaf, index, ...values], row) => {
    [leaf, index, 0, ...values].forEach((value, i) => view.setUint32(row * 40 + i * 4, value, true));
  });
  return new Uint8Array(view.buffer);
}

function rows(table: Uint8Array): number[][] {
  const view = new DataView(table.buffer);
  return Array.from({ length: table.length / 40 }, (_, row) => [0, 1, 3, 4, 5, 6].map((i) => view.getUint32(row * 40 + i * 4, true)));
}

const ONES = 0xffff_ffff;
const ALONE: CpuidOptions = { apicId: 0, cpus: 1, localApic: false, policy: 'host' };

test('without a local APIC the table has none', (t) => {
  const [[, , , ebx, ecx, edx]] = rows(cpuidTable(entries([[1, 0, 0x306c3, ONES, ONES, ONES]]), LAYOUT, ALONE)) as [number[]];
  t.equal(ebx >>> 16, 1, 'one processor, APIC id 0');
  t.deepEqual([(ecx >>> 21) & 1, (ecx >>> 24) & 1, (edx >>> 9) & 1, (edx >>> 28) & 1], [0, 0, 0, 0], 'x2APIC, TSC deadline, APIC, HTT');
  t.equal(ecx >>> 31, 1, 'a hypervisor is there');
  t.end();
});

test('topology of the third of four CPUs', (t) => {
  const table = cpuidTable(entries([[1, 0, 0, 0, 0, 0], [4, 0, 0xffff_c121, 0, 0, 0], [0xb, 0, 9, 9, 9, 9], [0xb, 1, 9, 9, 9, 9], [0x8000_0008, 0, 0, 0, 0xf0ff, 0]]), LAYOUT, { ...ALONE, apicId: 2, cpus: 4, localApic: true });
  t.deepEqual(rows(table), [
    [1, 0, 0, 0x0204_0000, 0x8000_0000, 0x1000_0000],
    [4, 0, 0x0c00_0121, 0, 0, 0],
    [0xb, 0, 0, 1, 0x100, 2],
    [0xb, 1, 2, 4, 0x201, 2],
    [0x8000_0008, 0, 0, 0, 3, 0],
  ]);
  t.end();
});

test('the plain policy hides the hypervisor and random numbers', (t) => {
  const supported = entries([[1, 0, 0, 0, ONES, 0], [7, 0, 0, ONES, 0, 0], [7, 1, 0, ONES, 0, 0], [0xa, 0, 1, 2, 3, 4], [0x4000_0000, 0, 1, 1, 1, 1], [0x4000_0001, 0, 1, 1, 1, 1]]);
  const plain = rows(cpuidTable(supported, LAYOUT, { ...ALONE, policy: 'plain' }));
  t.deepEqual(plain.map(([leaf]) => leaf), [1, 7, 7, 0xa]);
  t.equal(plain[0][4] & 0xc000_0000, 0, 'RDRAND, hypervisor bit');
  t.deepEqual([(plain[1][3] >>> 18) & 1, (plain[2][3] >>> 18) & 1], [0, 1], 'RDSEED is in subleaf 0');
  t.deepEqual(plain[3].slice(2), [0, 0, 0, 0], 'no performance counters');
  t.equal(rows(cpuidTable(supported, LAYOUT, ALONE)).length, 6, 'host keeps all');
  t.equal(new DataView(supported.buffer).getUint32(3 * 40 + 12, true), 1, 'the input is not changed');
  t.end();
});
