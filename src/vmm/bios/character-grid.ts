/** The screen as rows of characters, in text modes and in graphics modes, as INT 10h writes it. */
import type { StandardMode } from '../devices/vga/standard-modes.js';
import { fontFor } from '../display/fonts.js';
import type { GuestMemory } from '../guest-memory.js';
import type { PixelGrid } from './pixel-grid.js';

const BLANK = 0x20;
/** In a graphics mode bit 7 of the colour means: exclusive or with what is there. */
const XOR = 0x80;
const GLYPH_WIDTH = 8;

export interface CharacterGrid {
  /** `attribute` undefined keeps a text cell's; in graphics it is the colour. */
  put(page: number, row: number, column: number, character: number, attribute: number | undefined): void;
  /** Character and attribute; in graphics the glyph that fits, or 0. */
  get(page: number, row: number, column: number): number;
  /** Moves a rectangle of cells by rows, up when `lines` > 0; what becomes free is blank. */
  scroll(page: number, lines: number, top: number, left: number, bottom: number, right: number, attribute: number): void;
}

/** Cells of a character and an attribute from `address` on. */
export function textCells(memory: GuestMemory, { address }: StandardMode, layout: () => { readonly columns: number; readonly pageSize: number }): CharacterGrid {
  const cell = (page: number, row: number, column: number): number => {
    const { columns, pageSize } = layout();
    return address + page * pageSize + 2 * (row * columns + column);
  };
  const put: CharacterGrid['put'] = (page, row, column, character, attribute) => {
    memory.writeByte(cell(page, row, column), character);
    if (attribute !== undefined) memory.writeByte(cell(page, row, column) + 1, attribute);
  };
  return {
    put,
    get: (page, row, column) => (memory.readByte(cell(page, row, column)) ?? 0) | ((memory.readByte(cell(page, row, column) + 1) ?? 0) << 8),
    scroll: (page, lines, top, left, bottom, right, attribute) => {
      const old = range(top, bottom).map((row) => memory.read(cell(page, row, left), 2 * (right - left + 1)));
      range(top, bottom).forEach((row, i) => {
        const from = old[i + lines];
        if (from === undefined) for (const column of range(left, right)) put(page, row, column, BLANK, attribute);
        else if (from.length > 0 && memory.contains(cell(page, row, left), from.length)) memory.write(cell(page, row, left), from);
      });
    },
  };
}

/** Glyphs drawn in pixels. */
export function drawnCharacters(pixels: PixelGrid, { characterHeight: height }: StandardMode): CharacterGrid {
  const font = fontFor(height);
  const glyphRow = (character: number, line: number): number => font.glyphs[font.height * character + line];
  return {
    put: (_page, row, column, character, attribute = 0x07) => {
      const isXor = pixels.colours < 256 && (attribute & XOR) !== 0;
      for (let line = 0; line < height; line++) {
        const bits = glyphRow(character, line);
        for (let dot = 0; dot < GLYPH_WIDTH; dot++) {
          const [x, y] = [column * GLYPH_WIDTH + dot, row * height + line];
          const ink = (bits & (0x80 >> dot)) === 0 ? 0 : attribute & (pixels.colours - 1);
          pixels.set(x, y, isXor ? pixels.get(x, y) ^ ink : ink);
        }
      }
    },
    get: (_page, row, column) => {
      const drawn = range(0, height - 1).map((line) =>
        range(0, GLYPH_WIDTH - 1).reduce((bits, dot) => bits | (pixels.get(column * GLYPH_WIDTH + dot, row * height + line) === 0 ? 0 : 0x80 >> dot), 0));
      return Math.max(0, range(0, 255).findIndex((character) => drawn.every((bits, line) => bits === glyphRow(character, line))));
    },
    scroll: (_page, lines, top, left, bottom, right, attribute) => {
      const [first, last] = [top * height, (bottom + 1) * height - 1];
      const shift = lines * height;
      const rows = lines > 0 ? range(first, last) : range(first, last).reverse();
      for (const y of rows) {
        const from = y + shift;
        for (let x = left * GLYPH_WIDTH; x < (right + 1) * GLYPH_WIDTH; x++) {
          pixels.set(x, y, from >= first && from <= last ? pixels.get(x, from) : attribute & (pixels.colours - 1));
        }
      }
    },
  };
}

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
}
