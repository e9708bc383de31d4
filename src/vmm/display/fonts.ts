/** The card's fonts by the rows of pixels that a character has on the screen. */
import { font8x14 } from './font-8x14.js';
import { FONT_8X16 } from './font-8x16.js';
import { FONT_8X8 } from './font-8x8.js';

export interface Font {
  /** 256 glyphs of `height` bytes. */
  readonly glyphs: Uint8Array;
  readonly height: 8 | 14 | 16;
}

const FONTS: readonly Font[] = [
  { glyphs: FONT_8X8, height: 8 },
  { get glyphs() { return font8x14(); }, height: 14 },
  { glyphs: FONT_8X16, height: 16 },
];

/** The largest that fits; the smallest where none does. */
export function fontFor(height: number): Font {
  return FONTS.findLast((font) => font.height <= height) ?? FONTS[0];
}
