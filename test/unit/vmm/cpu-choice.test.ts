import { readFileSync } from 'node:fs';
import test from 'tape';
import { applyCpuChoice, checkCpuChoice, parseCpuChoice } from '../../../src/vmm/cpu-choice.js';
import { BASE_FEATURES, CPUID_FEATURES } from '../../../src/vmm/cpuid-features.js';
import type { StructLayout } from '../../../src/vmm/native.js';

const NAMES = ['function', 'index', 'flags', 'eax', 'ebx', 'ecx', 'edx'];
const LAYOUT: StructLayout = { size: 40, fields: Object.fromEntries(NAMES.map((name, i) => [name, { offset: i * 4, size: 4 }])) };
const ONES = 0xffff_ffff;

/** Rows are [function, index, eax, ebx, ecx, edx]. */
function entries(rows: readonly (readonly number[])[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(rows.length * 40));
  rows.forEach(([leaf, index, ...values], row) => [leaf, index, 0, ...values].forEach((value, i) => view.setUint32(row * 40 + i * 4, value, true)));
  return new Uint8Array(view.buffer);
}

function rows(table: Uint8Array): number[][] {
  const view = new DataView(table.buffer);
  return Array.from({ length: table.length / 40 }, (_, row) => [0, 1, 3, 4, 5, 6].map((i) => view.getUint32(row * 40 + i * 4, true)));
}

const FULL = entries([
  [0x1, 0, 0, 0, ONES, ONES], [0x7, 0, 1, ONES, ONES, ONES], [0xd, 0, 0x6_02ff, 0, 0, 0], [0xd, 1, 0xf, 0, 0, 0], [0xd, 2, 256, 576, 0, 0],
  [0xd, 5, 64, 1088, 0, 0], [0xd, 9, 8, 2688, 0, 0], [0x8000_0001, 0, 0, 0, ONES, ONES], [0x8000_000a, 0, 1, 0, 0, 1],
]);

function chosen(text: string, localApic = true, supported = FULL): number[][] {
  return rows(applyCpuChoice(supported, supported, LAYOUT, parseCpuChoice(text), localApic));
}

test('cpu features: places that the manuals give', (t) => {
  const places: readonly [string, number, string, number][] = [
    ['vmx', 1, 'ecx', 5], ['svm', 0x8000_0001, 'ecx', 2], ['hypervisor', 1, 'ecx', 31], ['sse2', 1, 'edx', 26], ['pbe', 1, 'edx', 31],
    ['avx', 1, 'ecx', 28], ['avx2', 7, 'ebx', 5], ['rdseed', 7, 'ebx', 18], ['smap', 7, 'ebx', 20], ['avx512vl', 7, 'ebx', 31], ['umip', 7, 'ecx', 2],
    ['pku', 7, 'ecx', 3], ['la57', 7, 'ecx', 16], ['rdpid', 7, 'ecx', 22], ['enqcmd', 7, 'ecx', 29], ['fsrm', 7, 'edx', 4], ['ibt', 7, 'edx', 20],
    ['amx_int8', 7, 'edx', 25], ['arch_capabilities', 7, 'edx', 29], ['avx_ifma', 7, 'eax', 23], ['xsaves', 0xd, 'eax', 3], ['nx', 0x8000_0001, 'edx', 20],
    ['lm', 0x8000_0001, 'edx', 29], ['3dnow', 0x8000_0001, 'edx', 31], ['topoext', 0x8000_0001, 'ecx', 22], ['mwaitx', 0x8000_0001, 'ecx', 29],
  ];
  for (const [name, leaf, register, bit] of places) {
    const found = CPUID_FEATURES.get(name);
    t.deepEqual([found?.word.leaf, found?.word.register, found?.bit], [leaf, register, bit], name);
  }
  const seats = [...CPUID_FEATURES.values()].map(({ word, bit }) => `${word.leaf}.${word.index}.${word.register}.${bit}`);
  t.equal(new Set(seats).size, seats.length, 'no bit has two names');
  t.ok([...CPUID_FEATURES.values()].every(({ bit }) => bit >= 0 && bit < 32), 'bits of a register');
  t.ok(BASE_FEATURES.every((name) => CPUID_FEATURES.has(name)), 'base is of known names');
  t.end();
});

test('cpu features: this processor\'s base is what /proc/cpuinfo calls so', (t) => {
  const flags = new Set((/^flags\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '').split(' '));
  for (const name of ['fpu', 'sse2', 'lm', 'cx16', 'pni']) t.ok(flags.has(name) && CPUID_FEATURES.has(name), name);
  t.end();
});

test('cpu choice: reading', (t) => {
  t.deepEqual(parseCpuChoice('host'), { model: 'host', add: [], remove: [] });
  t.deepEqual(parseCpuChoice('base,+avx,-nx'), { model: 'base', add: ['avx'], remove: ['nx'] });
  t.deepEqual(parseCpuChoice('-avx2,-3dnow'), { model: 'host', add: [], remove: ['avx2', '3dnow'] });
  const wrong: readonly [string, RegExp][] = [
    ['', /takes host or base/], ['qemu64', /not "qemu64"/], ['host,', /not ""/], ['-avx,host', /not "host"/], ['+', /not "\+"/],
    ['-avx3', /does not know the feature "avx3"/], ['+avx,-avx', /both adds and takes away avx/], ['+avx,+avx', /names \+avx twice/], ['-avx,-nx,-avx', /names -avx twice/], ['host,base', /not "base"/], ['host,host', /not "host"/], ['-toString', /does not know the feature "toString"/],
  ];
  for (const [text, message] of wrong) t.throws(() => parseCpuChoice(text), message, text);
  t.end();
});

test('cpu choice: host is what there is, and bits go one by one', (t) => {
  t.deepEqual(chosen('host'), rows(FULL));
  const without = chosen('host,-smap,-svm,-mmx');
  t.equal(without[1][3], (ONES & ~(1 << 20)) >>> 0, 'smap');
  t.equal(without[7][4], (ONES & ~(1 << 2)) >>> 0, 'svm');
  t.deepEqual([without[0][5], without[7][5]], [(ONES & ~(1 << 23)) >>> 0, (ONES & ~(1 << 23)) >>> 0], 'mmx, and where AMD repeats it');
  t.deepEqual(rows(FULL)[1][3], ONES, 'the input is not changed');
  t.end();
});

test('cpu choice: XSAVE components go with their features', (t) => {
  const noAvx = chosen('-avx,-avx512f');
  t.deepEqual(noAvx.filter(([leaf]) => leaf === 0xd).map(([, index]) => index), [0, 1, 9]);
  t.equal(noAvx.find(([leaf, index]) => leaf === 0xd && index === 0)?.[2], 0x6_021b, 'XCR0 without 2, 5, 6 and 7');
  t.deepEqual(chosen('-xsave').filter(([leaf]) => leaf === 0xd), [], 'no XSAVE, no leaf');
  t.end();
});

test('cpu choice: base has nothing above it but what is added', (t) => {
  const base = chosen('base');
  t.deepEqual(base.map(([leaf]) => leaf), [1, 7, 0x8000_0001]);
  t.equal(base[0][4], (1 << 0) | (1 << 13), 'SSE3 and CX16');
  t.deepEqual(base[1].slice(3), [0, 0, 0]);
  t.equal(base[2][4], 1, 'LAHF');
  const more = chosen('base,+xsave,+avx,+svm');
  t.deepEqual(more.map(([leaf, index]) => `${leaf.toString(16)}.${index}`), ['1.0', '7.0', 'd.0', 'd.1', 'd.2', '80000001.0', '8000000a.0']);
  t.equal(more[2][2], 0x7, 'x87, SSE, AVX');
  t.end();
});

test('cpu choice: what cannot be given is said', (t) => {
  const little = entries([[0x1, 0, 0, 0, 1 << 26, ONES], [0x8000_0001, 0, 0, 0, 0, 0]]);
  const shown = (text: string, table: Uint8Array) => (): void => checkCpuChoice(table, LAYOUT, parseCpuChoice(text));
  const asked = (text: string): Uint8Array => applyCpuChoice(little, little, LAYOUT, parseCpuChoice(text), true);
  t.throws(shown('+svm,+avx2', asked('+svm,+avx2')), /KVM cannot give the guest svm, avx2;/);
  t.doesNotThrow(shown('-sse2,+xsave', asked('-sse2,+xsave')), 'what is shown as chosen');
  t.throws(shown('-sse2,-nx', little), /KVM cannot hide sse2 from the guest;/, 'a host that keeps its own values');
  t.throws(shown('base', little), /cannot hide .*xsave/);
  t.doesNotThrow(shown('base', asked('base')));
  t.throws(() => chosen('+x2apic', false), /\+x2apic needs a local APIC; add --irqchip kernel/);
  t.throws(() => chosen('base,+avx'), /\+avx needs xsave too; add \+xsave/);
  t.doesNotThrow(shown('+hypervisor', asked('+hypervisor')), 'this one is ours to give');
  t.end();
});
