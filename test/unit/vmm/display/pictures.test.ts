/** Pixels of the screen in each kind of mode, and the files they become. */
import pngjs from 'pngjs';
import test from 'tape';
import { FONT_8X16 } from '../../../../src/vmm/display/font-8x16.js';
import { imageFile } from '../../../../src/vmm/display/image-file.js';
import type { Picture } from '../../../../src/vmm/display/picture.js';
import { screenPicture } from '../../../../src/vmm/display/screen-picture.js';
import { textRows, textScreen } from '../../../../src/vmm/display/text-screen.js';
import { testCard, type TestCard } from '../devices/vga/card-fixture.js';

function pixel({ width, rgb }: Picture, x: number, y: number): string {
  return Buffer.from(rgb.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)).toString('hex');
}

function print({ poke }: TestCard, at: number, text: string, attribute: number): void {
  [...text].forEach((character, i) => poke(0xb_8000 + 2 * (at + i), character.charCodeAt(0), attribute));
}

test('picture: text with its colours, font, cursor and ninth dot', (t) => {
  const vga = testCard();
  print(vga, 0, 'A', 0x1e);
  vga.poke(0xb_8000 + 2 * 81, 0xc4, 0x07);
  vga.set(0x3d4, 0x0f, 2);
  const picture = screenPicture(vga.card);
  t.deepEqual([picture.width, picture.height], [720, 400]);
  for (let y = 0; y < 16; y++) {
    for (let x = 0; x < 8; x++) {
      const isInk = (FONT_8X16[0x41 * 16 + y] & (0x80 >> x)) !== 0;
      if (pixel(picture, x, y) !== (isInk ? 'ffff55' : '0000aa')) t.fail(`dot ${x},${y} of A`);
    }
  }
  t.equal(pixel(picture, 8, 3), '0000aa', 'the ninth dot of a letter is paper');
  const bar = [...Array(16).keys()].find((y) => FONT_8X16[0xc4 * 16 + y] === 0xff) ?? 0;
  t.equal(pixel(picture, 9 + 8, 16 + bar), 'aaaaaa', 'that of a line is ink');
  t.deepEqual([pixel(picture, 18, 12), pixel(picture, 18, 13), pixel(picture, 26, 14)], ['000000', 'aaaaaa', 'aaaaaa'], 'the cursor');
  vga.poke(0xb_8000 + 5, 0x02);
  t.deepEqual([12, 13, 14, 15].map((y) => pixel(screenPicture(vga.card), 18, y)), ['000000', '00aa00', '00aa00', '000000'], 'rows 13 and 14, in its cell\'s colour');
  vga.set(0x3c4, 1, 1);
  t.equal(screenPicture(vga.card).width, 640, 'eight dots');
  vga.ports.read(0x3da, 1);
  vga.out(0x3c0, 0x10);
  t.equal(pixel(screenPicture(vga.card), 3, 3), '000000', 'dark while the processor has the palette');
  t.end();
});

test('picture: a font that the guest loads', (t) => {
  const vga = testCard();
  print(vga, 0, 'Z', 0x0f);
  // As BIOSes load fonts: plane 2 by itself at A0000.
  vga.set(0x3c4, 2, 4);
  vga.set(0x3c4, 4, 7);
  vga.set(0x3ce, 5, 0);
  vga.set(0x3ce, 6, 4);
  vga.poke(0xa_0000 + 0x5a * 32, 0xff);
  vga.mode(3);
  const picture = screenPicture(vga.card);
  t.equal(pixel(picture, 0, 0), 'ffffff');
  t.equal(textRows(textScreen(vga.card)!)[0], 'Z');
  t.end();
});

test('text: start address, 40 columns, code page 437', (t) => {
  const vga = testCard();
  print(vga, 80, 'second row \x01\x7f\x9c\xdb\xfe', 7);
  vga.set(0x3d4, 0x0d, 80);
  const screen = textScreen(vga.card)!;
  t.equal(textRows(screen)[0], 'second row ☺⌂£█■');
  t.equal(screen.cursor, undefined, 'the cursor is above the screen');
  vga.mode(1);
  t.deepEqual([textScreen(vga.card)?.columns, textScreen(vga.card)?.rows], [40, 25]);
  vga.mode(0x12);
  t.equal(textScreen(vga.card), undefined);
  t.end();
});

test('picture: modes 12h, 13h, 4 and 6', (t) => {
  const vga = testCard();
  vga.mode(0x12);
  vga.set(0x3c4, 2, 0x4);
  vga.poke(0xa_0000 + 80 * 479 + 79, 0x01);
  let picture = screenPicture(vga.card);
  t.deepEqual([picture.width, picture.height, pixel(picture, 639, 479), pixel(picture, 638, 479)], [640, 480, 'aa0000', '000000'], 'mode 12h');

  vga.mode(0x13);
  vga.poke(0xa_0000 + 320 * 199 + 319, 0x28);
  vga.poke(0xa_0000, 0x0f);
  picture = screenPicture(vga.card);
  t.deepEqual([picture.width, picture.height, pixel(picture, 319, 199), pixel(picture, 0, 0)], [320, 200, 'ff0000', 'ffffff'], 'mode 13h and its first palette');

  vga.mode(4);
  vga.poke(0xb_8000, 0x1b);
  vga.poke(0xb_a000, 0xc0);
  picture = screenPicture(vga.card);
  t.deepEqual([picture.width, picture.height], [320, 200]);
  t.deepEqual([0, 1, 2, 3].map((x) => pixel(picture, x, 0)), ['000000', '55ffff', 'ff55ff', 'ffffff'], 'mode 4, two bits a pixel');
  t.equal(pixel(picture, 0, 1), 'ffffff', 'odd rows are 8 KiB behind');

  vga.mode(6);
  vga.poke(0xb_8000, 0x80);
  vga.poke(0xb_a000 + 80, 0x40);
  picture = screenPicture(vga.card);
  t.deepEqual([picture.width, picture.height, pixel(picture, 0, 0), pixel(picture, 1, 3), pixel(picture, 0, 3)], [640, 200, 'ffffff', 'ffffff', '000000'], 'mode 6');
  t.end();
});

test('picture: Bochs VBE in each depth', (t) => {
  const white: Readonly<Record<number, readonly number[]>> = { 8: [0x3f], 15: [0xff, 0x7f], 16: [0xff, 0xff], 24: [0xff, 0xff, 0xff], 32: [0xff, 0xff, 0xff, 0] };
  const red: Readonly<Record<number, readonly number[]>> = { 8: [0x04], 15: [0x00, 0x7c], 16: [0x00, 0xf8], 24: [0, 0, 0xff], 32: [0, 0, 0xff, 0] };
  for (const depth of [8, 15, 16, 24, 32]) {
    const vga = testCard();
    vga.dispi(1, 64);
    vga.dispi(2, 48);
    vga.dispi(3, depth);
    vga.dispi(4, 1);
    vga.poke(0xa_0000, ...white[depth], ...red[depth]);
    const picture = screenPicture(vga.card);
    t.deepEqual([picture.width, picture.height, pixel(picture, 0, 0), pixel(picture, 1, 0), pixel(picture, 2, 0)],
      [64, 48, 'ffffff', depth === 8 ? 'aa0000' : 'ff0000', '000000'], `${depth} bits`);
  }
  t.end();
});

test('image files: PNG and PPM have the picture\'s pixels', (t) => {
  const picture = { width: 3, height: 2, rgb: Uint8Array.from({ length: 18 }, (_, i) => i * 13) };
  const png = pngjs.PNG.sync.read(Buffer.from(imageFile(picture, 'a.png')));
  t.deepEqual([png.width, png.height], [3, 2]);
  t.deepEqual([...png.data].filter((_, i) => i % 4 !== 3), [...picture.rgb]);
  const ppm = Buffer.from(imageFile(picture, 'a.ppm'));
  t.equal(ppm.subarray(0, 11).toString(), 'P6\n3 2\n255\n');
  t.deepEqual([...ppm.subarray(11)], [...picture.rgb]);
  t.end();
});
