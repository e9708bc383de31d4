/**
 * Code page 437 in 8 by 14 pixels, 14 bytes a glyph, for screens of 350 lines and for 28 rows of text: the 8 by 16 glyphs less two rows, so
 * that all stand on one line. The last row goes, and the first, or for a letter with an accent up there the first empty one below it.
 */
import { FONT_8X16 } from './font-8x16.js';

const GLYPHS = 256, ROWS = 16;
/** Shades, lines and blocks, which must go on in the next character's. */
const DRAWING = { first: 0xb0, last: 0xdf };

/** The row that goes besides the last. */
function leftOut(glyph: Uint8Array, character: number): number {
  const isDrawing = character >= DRAWING.first && character <= DRAWING.last;
  const empty = glyph.indexOf(0);
  return isDrawing || empty < 0 || empty >= ROWS / 2 ? 0 : empty;
}

function made(): Uint8Array {
  const font = new Uint8Array(GLYPHS * (ROWS - 2));
  for (let character = 0; character < GLYPHS; character++) {
    const glyph = FONT_8X16.subarray(ROWS * character, ROWS * (character + 1)), at = (ROWS - 2) * character;
    const row = leftOut(glyph, character);
    font.set(glyph.subarray(0, row), at);
    font.set(glyph.subarray(row + 1, ROWS - 1), at + row);
  }
  return font;
}

let glyphs: Uint8Array | undefined;

/** 256 glyphs of 14 bytes, made when they are first asked for: most guests never do. */
export function font8x14(): Uint8Array {
  return glyphs ??= made();
}
