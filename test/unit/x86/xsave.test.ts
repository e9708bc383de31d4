import test from 'tape';
import { readXsave, stOffset, writeXsave, XSTATE, xsaveLayout, type X87Control, type XsaveField } from '../../../src/x86/xsave.js';
import { sampleLayout } from './sample-state.js';

const SIZE = 2696;
const layout = sampleLayout();

function area(inUse: bigint): Uint8Array {
  const bytes = new Uint8Array(SIZE);
  new DataView(bytes.buffer).setBigUint64(512, inUse, true);
  return bytes;
}

function control(bytes: Uint8Array, name: X87Control | 'mxcsr'): number {
  const out = new Uint8Array(4);
  readXsave(bytes, layout, { control: name }, out, 0, 4);
  return new DataView(out.buffer).getUint32(0, true);
}

function value(number: number, size = 4): Uint8Array {
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint32(0, number, true);
  return bytes;
}

function field(bytes: Uint8Array, what: XsaveField, size: number): Uint8Array {
  const out = new Uint8Array(size).fill(0xee);
  readXsave(bytes, layout, what, out, 0, size);
  return out;
}

test('xsave: layout believes only sub-leaves that fit', (t) => {
  t.deepEqual([...layout.keys()], [0, 1, 2, 5, 6, 7, 9]);
  const odd = xsaveLayout([
    { component: 2, offset: 576, size: 128 }, { component: 5, offset: 100, size: 64 },
    { component: 6, offset: 2600, size: 512 }, { component: 63, offset: 576, size: 8 },
  ], SIZE);
  t.deepEqual([...odd.keys()], [0, 1], 'too small, inside the header, past the end, no such component');
  t.end();
});

test('xsave: a component not in XSTATE_BV reads as its initial state', (t) => {
  const bytes = area(0n).fill(0xaa, 0, 24).fill(0xaa, 32, 416).fill(0xaa, 576, 832);
  t.equal(control(bytes, 'fctrl'), 0x37f);
  t.equal(control(bytes, 'ftag'), 0xffff);
  t.equal(control(bytes, 'fstat'), 0);
  t.deepEqual(field(bytes, { component: XSTATE.avx, start: 16, size: 16 }, 16), new Uint8Array(16));
  t.deepEqual(field(bytes, { component: XSTATE.x87, start: stOffset(0), size: 10 }, 10), new Uint8Array(10));
  t.end();
});

test('xsave: a write brings the rest of the component to its initial state', (t) => {
  const bytes = area(0n).fill(0xaa, 0, 24).fill(0xaa, 32, 416).fill(0xaa, 576, 832);
  const mxcsr = bytes.subarray(24, 32);
  mxcsr.set([0x80, 0x1f]);
  writeXsave(bytes, layout, { component: XSTATE.x87, start: stOffset(1), size: 10 }, new Uint8Array(10).fill(7));
  t.equal(bytes[512], 1, 'the x87 bit alone');
  t.equal(control(bytes, 'fctrl'), 0x37f);
  t.equal(control(bytes, 'mxcsr'), 0x1f80, 'MXCSR is not part of it');
  t.deepEqual([...bytes.subarray(stOffset(1), stOffset(1) + 10)], Array(10).fill(7));
  t.deepEqual([...bytes.subarray(stOffset(0), stOffset(0) + 16)], Array(16).fill(0));
  t.equal(bytes[160], 0xaa, 'XMM is another component');
  writeXsave(bytes, layout, { component: XSTATE.avx, start: 0, size: 16 }, new Uint8Array(16).fill(9));
  t.equal(bytes[512], 5);
  t.deepEqual([...bytes.subarray(576 + 16, 576 + 32)], Array(16).fill(0));
  writeXsave(bytes, layout, { control: 'mxcsr' }, value(0x1fa0));
  t.equal(bytes[512], 7, 'MXCSR counts as SSE');
  t.equal(control(bytes, 'mxcsr'), 0x1fa0);
  t.end();
});

test('xsave: x87 control registers round-trip', (t) => {
  const cases: [X87Control, number][] = [
    ['fctrl', 0x27f], ['fstat', 0x3800], ['fop', 0x7ff], ['fioff', 0x1234_5678], ['fiseg', 0x33], ['fooff', 0xffff_fff0], ['foseg', 0x2b],
  ];
  const bytes = area(0n);
  for (const [name, number] of cases) writeXsave(bytes, layout, { control: name }, value(number));
  for (const [name, number] of cases) t.equal(control(bytes, name), number, name);
  t.end();
});

test('xsave: the full tag word is worked out from the register contents', (t) => {
  const bytes = area(1n);
  const view = new DataView(bytes.buffer);
  view.setUint16(2, 5 << 11, true); // TOP = 5: ST(0) is register 5
  bytes[4] = 0b1110_0001; // registers 0, 5, 6, 7
  view.setBigUint64(stOffset(0), 0x8000_0000_0000_0000n, true); // register 5: 1.0
  view.setUint16(stOffset(0) + 8, 0x3fff, true);
  view.setUint16(stOffset(1) + 8, 0x7fff, true); // register 6: special
  view.setUint16(stOffset(3) + 8, 0x8000, true); // register 0: -0.0 is zero
  view.setBigUint64(stOffset(2), 1n, true); // register 7: denormal
  t.equal(control(bytes, 'ftag'), 0b10_10_00_11_11_11_11_01);
  const other = area(1n);
  writeXsave(other, layout, { control: 'ftag' }, value(0b10_10_00_11_11_11_11_01));
  t.equal(other[4], 0b1110_0001, 'and back to one bit each');
  t.end();
});

test('xsave: a component the host does not have', (t) => {
  const legacy = xsaveLayout([], 576);
  const out = new Uint8Array(16).fill(1);
  readXsave(area(4n), legacy, { component: XSTATE.avx, start: 0, size: 16 }, out, 0, 16);
  t.deepEqual(out, new Uint8Array(16));
  t.throws(() => writeXsave(area(0n), legacy, { component: XSTATE.avx, start: 0, size: 16 }, out), /component 2/);
  t.end();
});
