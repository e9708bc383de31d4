import test from 'tape';
import { CPU_MODES, type CpuModeName } from '../../../src/x86/cpu-mode.js';
import { interruptTarget, parseGate, type InterruptTarget } from '../../../src/x86/interrupt-target.js';
import { reader, systemRegisters } from './sample-state.js';

const GDT = 0x100;
const memory = new Uint8Array(0x1000);
const words = new DataView(memory.buffer);

function put(offset: number, value: bigint): void {
  words.setBigUint64(offset, value, true);
}

// Real-mode vector 3 is 1000:0234.
words.setUint32(12, 0x1000_0234, true);
put(GDT + 8, 0x00cf_9a01_0000_ffffn); // selector 8: code, base 0x10000
put(GDT + 16, 0x00cf_9200_0000_ffffn); // selector 16: data
const IDT32 = 0x200;
put(IDT32, 0x0012_8e00_0008_3456n); // #DE: 32-bit interrupt gate, 8:123456
put(IDT32 + 8, 0x0000_8700_0008_0777n); // #DB: 16-bit trap gate
put(IDT32 + 16, 0x0012_0e00_0008_3456n); // not present
put(IDT32 + 24, 0x0000_8500_0028_0000n); // task gate
put(IDT32 + 32, 0x0012_8e00_0010_3456n); // data segment
put(IDT32 + 40, 0x0012_8c00_0008_3456n); // call gate
put(IDT32 + 8 * 13, 0x0012_8f00_0008_3456n); // #GP: trap gate
const IDT64 = 0x400;
put(IDT64 + 16 * 14, 0x8000_8e02_0008_1234n); // #PF, IST 2
put(IDT64 + 16 * 14 + 8, 0xffff_ffffn);

function target(vector: number, mode: CpuModeName, source: 'exception' | 'interrupt' = 'exception'): InterruptTarget {
  const isLong = mode === 'long64';
  const isReal = mode === 'real16';
  const sregs = systemRegisters({
    gdt: { base: BigInt(GDT), limit: 0x1f },
    idt: isReal ? { base: 0n, limit: 0x3f } : { base: BigInt(isLong ? IDT64 : IDT32), limit: isLong ? 0xfff : 0x7f },
  });
  const found = CPU_MODES.find(({ name }) => name === mode);
  if (found === undefined) throw new Error(mode);
  return interruptTarget(vector, source, sregs, found, reader(memory));
}

test('interrupt target: handlers and frames', (t) => {
  const frame = (slotSize: 2 | 4 | 8, hasErrorCode: boolean): object => {
    const first = hasErrorCode ? slotSize : 0;
    return { slotSize, hasErrorCode, ipOffset: first, csOffset: first + slotSize, flagsOffset: first + 2 * slotSize };
  };
  t.deepEqual(target(3, 'real16'), { ok: true, address: 0x1_0234n, frame: frame(2, false) });
  t.deepEqual(target(0, 'protected32'), { ok: true, address: 0x13_3456n, frame: frame(4, false) }, 'CS.base is added');
  t.deepEqual(target(1, 'protected32'), { ok: true, address: 0x1_0777n, frame: frame(2, false) }, '16-bit gate');
  t.deepEqual(target(13, 'protected32'), { ok: true, address: 0x13_3456n, frame: frame(4, true) });
  t.deepEqual(target(13, 'protected32', 'interrupt'), { ok: true, address: 0x13_3456n, frame: frame(4, false) }, 'INT 13');
  t.deepEqual(target(14, 'long64'), { ok: true, address: 0xffff_ffff_8000_1234n, frame: frame(8, true) });
  t.end();
});

test('interrupt target: what has no handler says why', (t) => {
  const reasons: [number, CpuModeName, RegExp][] = [
    [2, 'protected32', /NMI .*not present/],
    [3, 'protected32', /switches tasks/],
    [4, 'protected32', /0x10 of its gate is not a code segment/],
    [5, 'protected32', /not an interrupt gate/],
    [6, 'protected32', /not an interrupt gate/],
    [16, 'protected32', /beyond the IDT's limit 0x7f/],
    [16, 'real16', /beyond the interrupt table's limit 0x3f/],
    [200, 'long64', /#?vector 0xc8 .*cannot be read/],
  ];
  for (const [vector, mode, pattern] of reasons) {
    const result = target(vector, mode);
    t.match(result.ok ? 'found' : result.reason, pattern);
  }
  t.throws(() => target(256, 'real16'), RangeError);
  t.end();
});

test('interrupt target: gate decoding', (t) => {
  t.equal(parseGate(new Uint8Array(8), true), undefined, 'too short');
  t.equal(parseGate(memory.subarray(IDT64 + 16 * 14, IDT64 + 16 * 15), true)?.ist, 2);
  const gate16 = memory.slice(IDT32 + 8, IDT32 + 24);
  t.equal(parseGate(gate16, true), undefined, 'no 16-bit gates in long mode');
  t.equal(parseGate(gate16, false)?.bits, 16);
  t.end();
});
