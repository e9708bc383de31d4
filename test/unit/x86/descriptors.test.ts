import test from 'tape';
import { CPU_MODES, type CpuMode, type CpuModeName } from '../../../src/x86/cpu-mode.js';
import type { SegmentName } from '../../../src/x86/cpu-state.js';
import { loadSegment, parseSegmentDescriptor } from '../../../src/x86/descriptors.js';
import { reader, segment, systemRegisters } from './sample-state.js';

function modeNamed(name: CpuModeName): CpuMode {
  const found = CPU_MODES.find((mode) => mode.name === name);
  if (found === undefined) throw new Error(name);
  return found;
}

function table(...entries: bigint[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(entries).buffer);
}

test('descriptors: code, data and system descriptors', (t) => {
  const code32 = parseSegmentDescriptor(8, table(0x00cf_9a00_0000_ffffn));
  t.deepEqual(code32, {
    selector: 8, base: 0n, limit: 0xffff_ffff, type: 10, present: 1, dpl: 0, db: 1, s: 1, l: 0, g: 1, avl: 0, unusable: 0,
  });
  const code64 = parseSegmentDescriptor(8, table(0x0020_9800_0000_0000n));
  t.equal(code64.l, 1);
  t.equal(code64.limit, 0);
  const small = parseSegmentDescriptor(0x10, table(0x1240_f234_5678_9abcn));
  t.equal(small.base, 0x1234_5678n);
  t.equal(small.limit, 0x9abc);
  t.equal(small.dpl, 3);
  const tss64 = parseSegmentDescriptor(0x18, table(0x0000_8900_1000_0067n, 0xffff_8000n));
  t.equal(tss64.base, 0xffff_8000_0000_1000n, 'upper half of a 16-byte descriptor');
  t.end();
});

const gdt = table(
  0n, 0x00cf_9a00_0000_ffffn, 0x00cf_9200_0000_ffffn, 0x00cf_1200_0000_ffffn, 0x00cf_9800_0000_ffffn,
  0x0000_8900_1000_0067n, 0n, 0x0000_8200_2000_00ffn, 0n,
);

test('descriptors: loading segment registers', (t) => {
  const sregs = systemRegisters({ cr0: 1n, gdt: { base: 0x500n, limit: gdt.length - 1 } });
  const load = (name: SegmentName, selector: number, mode: CpuModeName = 'protected32'): string => {
    const result = loadSegment(name, selector, sregs, modeNamed(mode), reader(gdt, 0x500n));
    return result.ok ? `base ${result.segment.base.toString(16)} type ${result.segment.type}` : result.reason;
  };
  const cases: [SegmentName, number, CpuModeName, string | RegExp][] = [
    ['cs', 8, 'protected32', 'base 0 type 11'],
    ['ds', 0x10, 'protected32', 'base 0 type 3'],
    ['ds', 8, 'protected32', 'base 0 type 11'],
    ['ds', 0, 'protected32', 'base 0 type 0'],
    ['cs', 0x7c0, 'real16', 'base 7c00 type 11'],
    ['ss', 0x9000, 'vm86', 'base 90000 type 3'],
    ['ss', 3, 'long64', 'base 0 type 0'],
    ['tr', 0x28, 'protected32', 'base 1000 type 11'],
    ['tr', 0x28, 'long64', 'base 1000 type 11'],
    ['ldt', 0x38, 'protected32', 'base 2000 type 2'],
    ['ldt', 0, 'protected32', 'base 0 type 0'],
    ['cs', 0, 'protected32', /null selector/],
    ['ss', 0, 'protected32', /null selector/],
    ['cs', 0x10, 'protected32', /not a code segment/],
    ['ss', 8, 'protected32', /not a writable data segment/],
    ['ds', 0x20, 'protected32', /execute-only/],
    ['ds', 0x18, 'protected32', /not present/],
    ['ds', 0x28, 'protected32', /system descriptor/],
    ['tr', 0x10, 'protected32', /not a TSS/],
    ['ldt', 0x10, 'protected32', /ldtr: .*not an LDT/],
    ['ds', 0x14, 'protected32', /no LDT is loaded/],
    ['tr', 0x2c, 'protected32', /of the GDT/],
    ['ds', 0x100, 'protected32', /beyond the GDT's limit 0x47/],
    ['ldt', 0x40, 'long64', /beyond the GDT/],
  ];
  for (const [name, selector, mode, expected] of cases) {
    const what = `${name} = 0x${selector.toString(16)} in ${mode}`;
    if (typeof expected === 'string') t.equal(load(name, selector, mode), expected, what);
    else t.match(load(name, selector, mode), expected, what);
  }
  const away = loadSegment('ds', 0x10, sregs, modeNamed('protected32'), () => undefined);
  t.match(away.ok ? '' : away.reason, /GDT entry of selector 0x10 at 0x510 cannot be read/);
  t.end();
});

test('descriptors: the LDT is used when it is loaded', (t) => {
  const sregs = systemRegisters({ cr0: 1n, ldt: segment({ base: 0x500n, limit: gdt.length - 1, s: 0, type: 2 }) });
  const result = loadSegment('es', 0x14, sregs, modeNamed('protected32'), reader(gdt, 0x500n));
  t.ok(result.ok);
  t.end();
});
