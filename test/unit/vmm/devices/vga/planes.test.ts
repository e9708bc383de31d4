/** The VGA's write and read modes, through its ports and A0000, in mode 12h. */
import test from 'tape';
import { testCard, type TestCard } from './card-fixture.js';

const SEQ = 0x3c4, GFX = 0x3ce;
const A0000 = 0xa_0000;

function planar(): TestCard {
  const fixture = testCard();
  fixture.mode(0x12);
  fixture.card.memory.clear();
  return fixture;
}

/** Bytes of planes 0 to 3 at a plane address. */
function planes({ card }: TestCard, address: number): number[] {
  const word = card.memory.words[address];
  return [0, 8, 16, 24].map((shift) => (word >>> shift) & 0xff);
}

test('planes: write mode 0 with map mask, rotation, set/reset, bit mask and functions', (t) => {
  const vga = planar();
  t.equal(vga.memory.readByte(A0000), undefined, 'no plain memory');
  vga.poke(A0000 + 5, 0x81);
  t.deepEqual(planes(vga, 5), [0x81, 0x81, 0x81, 0x81], 'all planes');
  vga.set(SEQ, 2, 0x5);
  vga.poke(A0000 + 6, 0xff);
  t.deepEqual(planes(vga, 6), [0xff, 0, 0xff, 0], 'map mask');
  vga.set(SEQ, 2, 0xf);
  vga.set(GFX, 3, 1);
  vga.poke(A0000 + 7, 0x81);
  t.deepEqual(planes(vga, 7), [0xc0, 0xc0, 0xc0, 0xc0], 'rotated right by one');
  vga.set(GFX, 3, 0);
  vga.set(GFX, 0, 0x2);
  vga.set(GFX, 1, 0x3);
  vga.poke(A0000 + 8, 0x0f);
  t.deepEqual(planes(vga, 8), [0, 0xff, 0x0f, 0x0f], 'set/reset in planes 0 and 1');
  vga.set(GFX, 1, 0);
  vga.set(GFX, 8, 0xf0);
  vga.peek(A0000 + 5);
  vga.poke(A0000 + 5, 0x3c);
  t.deepEqual(planes(vga, 5), [0x31, 0x31, 0x31, 0x31], 'the latch where the bit mask has zeros');
  vga.set(GFX, 8, 0xff);
  for (const [code, expected] of [[1, 0x31 & 0x0f], [2, 0x31 | 0x0f], [3, 0x31 ^ 0x0f]] as const) {
    vga.set(GFX, 3, code << 3);
    vga.peek(A0000 + 5);
    vga.poke(A0000 + 9, 0x0f);
    t.deepEqual(planes(vga, 9), [expected, expected, expected, expected], `function ${code} with the latch`);
  }
  t.end();
});

test('planes: write modes 1, 2 and 3', (t) => {
  const vga = planar();
  vga.set(SEQ, 2, 0x1);
  vga.poke(A0000, 0x12);
  vga.set(SEQ, 2, 0x8);
  vga.poke(A0000, 0x34);
  vga.set(SEQ, 2, 0xf);
  vga.set(GFX, 5, 1);
  vga.peek(A0000);
  vga.poke(A0000 + 1, 0x99);
  t.deepEqual(planes(vga, 1), [0x12, 0, 0, 0x34], '1 copies the latch');
  vga.set(GFX, 5, 2);
  vga.set(GFX, 8, 0x0f);
  vga.poke(A0000 + 1, 0x6);
  t.deepEqual(planes(vga, 1), [0x10, 0x0f, 0x0f, 0x30], '2 takes a colour, where the bit mask lets it');
  vga.set(GFX, 5, 3);
  vga.set(GFX, 0, 0x9);
  vga.set(GFX, 8, 0xff);
  vga.peek(A0000 + 50);
  vga.poke(A0000 + 2, 0x18);
  t.deepEqual(planes(vga, 2), [0x18, 0, 0, 0x18], '3 takes set/reset, masked by the byte');
  t.end();
});

test('planes: read modes', (t) => {
  const vga = planar();
  [0x11, 0x22, 0x44, 0x88].forEach((byte, plane) => {
    vga.set(SEQ, 2, 1 << plane);
    vga.poke(A0000, byte);
  });
  for (const [plane, byte] of [0x11, 0x22, 0x44, 0x88].entries()) {
    vga.set(GFX, 4, plane);
    t.equal(vga.peek(A0000), byte, `plane ${plane}`);
  }
  vga.set(GFX, 5, 0x08);
  vga.set(GFX, 2, 0x1);
  t.equal(vga.peek(A0000), 0x11, 'pixels of colour 1');
  vga.set(GFX, 7, 0x0);
  t.equal(vga.peek(A0000), 0xff, 'no plane counts: all are alike');
  t.end();
});

test('planes: odd/even and chain-4 addresses', (t) => {
  const vga = testCard();
  t.equal(vga.memory.readByte(0xb_8000), 0x20, 'text is plain memory from reset on');
  vga.poke(0xb_8000, 0x41, 0x1f, 0x42, 0x2e);
  t.deepEqual(planes(vga, 1).slice(0, 2), [0x42, 0x2e], 'characters in plane 0, attributes in plane 1');
  vga.set(SEQ, 4, 0x06);
  vga.set(GFX, 6, 0x04);
  vga.set(GFX, 5, 0);
  vga.set(GFX, 4, 1);
  t.equal(vga.memory.readByte(0xb_8000), undefined, 'with odd/even off it is not');
  t.equal(vga.peek(A0000 + 1), 0x2e, 'and the planes have what was written');
  vga.set(SEQ, 2, 1);
  vga.poke(A0000, 0x58);
  vga.mode(3);
  t.equal(vga.peek(0xb_8000), 0x58, 'back in text mode the plane\'s new byte is a character');
  vga.mode(0x13);
  vga.poke(A0000 + 6, 0x77);
  t.equal(vga.memory.readByte(A0000 + 6), 0x77, 'mode 13h is plain memory');
  t.deepEqual(planes(vga, 1), [vga.peek(A0000 + 4), vga.peek(A0000 + 5), 0x77, vga.peek(A0000 + 7)], 'pixel n is in plane n modulo 4');
  vga.set(SEQ, 2, 0x4);
  t.equal(vga.memory.readByte(A0000), undefined, 'a map mask makes it planes');
  vga.poke(A0000 + 4, 0x99);
  vga.poke(A0000 + 6, 0x66);
  t.deepEqual([planes(vga, 1)[0], planes(vga, 1)[2]], [vga.peek(A0000 + 4), 0x66]);
  t.end();
});

test('planes: memory that is not mapped reads as all ones', (t) => {
  const vga = testCard();
  t.equal(vga.peek(A0000), 0xff, 'A0000 in text mode');
  vga.poke(A0000, 0x12);
  vga.out(0x3c2, 0x65);
  t.equal(vga.peek(0xb_8000), 0xff, 'with the memory off');
  vga.mode(7);
  vga.poke(0xb_0000, 0x4d);
  t.deepEqual([vga.peek(0xb_0000), vga.peek(0xb_8000)], [0x4d, 0xff], 'monochrome text is at B0000');
  t.end();
});
