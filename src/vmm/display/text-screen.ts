/** What a text mode shows: 80 × 25 cells of character and attribute from B8000 (or B0000 in mode 7), code page 437. */
import type { GuestMemory } from '../guest-memory.js';

const COLUMNS = 80;
const ROWS = 25;
const COLOUR = 0xb_8000;
const MONOCHROME = 0xb_0000;
const BDA_MODE = 0x449;
const MODE_MONOCHROME = 7;

/** Code page 437 from 0 on as Unicode: what its glyphs look like. */
const LOW = ' ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼';
const HIGH = 'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ';

/** The rows of the first page, without blanks at their ends. */
export function screenRows(memory: GuestMemory): string[] {
  const start = memory.readByte(BDA_MODE) === MODE_MONOCHROME ? MONOCHROME : COLOUR;
  return Array.from({ length: ROWS }, (_, row) => {
    const cells = memory.read(start + 2 * COLUMNS * row, 2 * COLUMNS);
    const characters = Array.from({ length: cells.length / 2 }, (_cell, column) => glyph(cells[2 * column]));
    return characters.join('').trimEnd();
  });
}

function glyph(code: number): string {
  if (code < 0x20) return [...LOW][code];
  if (code === 0x7f) return '⌂';
  return code < 0x80 ? String.fromCharCode(code) : [...HIGH][code - 0x80];
}
