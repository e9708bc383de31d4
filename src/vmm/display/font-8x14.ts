/**
 * Code page 437 in 8 by 14 pixels, 14 bytes a glyph, for screens of 350 lines and for 28 rows of text: the 8 by 16 glyphs less two rows, so
 * that all stand on one line. The last row goes, and the first, or for a letter with an accent up there the first empty one below it.
 */
import { FONT_8X16 } from './font-8x16.js';

const GLYPHS = 256, ROWS = 16;
/** Shades, lines and blocks, which must go on in the next character's. */
const DRAWING = { first: 0xb0, last: 0xdf };

function without(glyph: Uint8Array, character: number): Uint8Array {
  const isDrawing = character >= DRAWING.first && character <= DRAWING.last;
  const empty = glyph.indexOf(0);
  const second = isDrawing || empty < 0 || empty >= ROWS / 2 ? 0 : empty;
  return glyph.filter((_, row) => row !== second && row !== ROWS - 1);
}

let glyphs: Uint8Array | undefined;

/** 256 glyphs of 14 bytes, made when they are first asked for: most guests never do. */
export function font8x14(): Uint8Array {
  return glyphs ??= Uint8Array.from(
    Array.from({ length: GLYPHS }, (_, character) => [...without(FONT_8X16.subarray(ROWS * character, ROWS * (character + 1)), character)]).flat(),
  );
}
