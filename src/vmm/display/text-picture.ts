/** A text mode as pixels: glyphs from plane 2, colours by attribute, the cursor, nine dots a column where the mode has them. */
import { GLYPH_PITCH, type VideoCard } from '../devices/vga/video-card.js';
import { ATTR, CRTC, SEQ } from '../devices/vga/vga-registers.js';
import { Canvas, attributeColours, type Picture } from './picture.js';
import type { TextScreen } from './text-screen.js';

const EIGHT_DOTS = 0x01;
/** Lines and blocks of code page 437, whose eighth dot is the ninth too. */
const FIRST_LINE_GLYPH = 0xc0, LAST_LINE_GLYPH = 0xdf;
const LINE_GRAPHICS = 0x04, MONOCHROME = 0x02;
const PLANE_2 = 16;
/** Plane addresses of the eight fonts that the character map register chooses from. */
const FONTS = [0x0000, 0x4000, 0x8000, 0xc000, 0x2000, 0x6000, 0xa000, 0xe000];

export function textPicture(card: VideoCard, screen: TextScreen): Picture {
  const { registers, vga } = card;
  const { columns, rows, characterHeight, cells, cursor, blinks } = screen;
  const modeControl = registers.attribute.values[ATTR.modeControl];
  const dots = (registers.sequencer.values[SEQ.clockingMode] & EIGHT_DOTS) !== 0 ? 8 : 9;
  const colours = attributeColours(registers, vga.dac);
  const glyphs = fonts(card);
  const underline = (modeControl & MONOCHROME) === 0 ? -1 : registers.crtc.values[CRTC.underline] & 0x1f;
  const canvas = new Canvas(columns * dots, rows * characterHeight);
  const cursorRows = cursorShape(card);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const cell = cells[row * columns + column];
      const [code, attribute] = [cell & 0xff, cell >> 8];
      const ink = colours[attribute & 0x0f];
      const paper = colours[(attribute >> 4) & (blinks ? 7 : 15)];
      const hasCursor = cursor?.row === row && cursor.column === column;
      for (let line = 0; line < characterHeight; line++) {
        const isSolid = (hasCursor && line >= cursorRows.first && line <= cursorRows.last) || (line === underline && (attribute & 7) === 1);
        const bits = isSolid ? 0x1ff : nineDots(glyphs(code, (attribute & 8) !== 0, line), code, (modeControl & LINE_GRAPHICS) !== 0);
        for (let dot = 0; dot < dots; dot++) canvas.set(column * dots + dot, row * characterHeight + line, (bits & (0x100 >> dot)) !== 0 ? ink : paper);
      }
    }
  }
  return canvas;
}

/** A row of a glyph, the leftmost dot in bit 8. */
function nineDots(bits: number, code: number, lineGraphics: boolean): number {
  return (bits << 1) | (lineGraphics && code >= FIRST_LINE_GLYPH && code <= LAST_LINE_GLYPH ? bits & 1 : 0);
}

/** Gives the dots of a row of a glyph; bright characters have the font of map A, others that of map B. */
function fonts({ registers, memory }: VideoCard): (code: number, bright: boolean, line: number) => number {
  const select = registers.sequencer.values[SEQ.characterMap];
  const mapA = FONTS[((select >> 2) & 3) | ((select >> 3) & 4)];
  const mapB = FONTS[(select & 3) | ((select >> 2) & 4)];
  const { words } = memory;
  return (code, bright, line) => (words[(bright ? mapA : mapB) + code * GLYPH_PITCH + line] >>> PLANE_2) & 0xff;
}

/** Rows of the character that it covers; none when the first is behind the last. */
function cursorShape({ registers: { crtc } }: VideoCard): { first: number; last: number } {
  return { first: crtc.values[CRTC.cursorStart] & 0x1f, last: crtc.values[CRTC.cursorEnd] & 0x1f };
}
