/** What a text mode shows, as characters: the cells from the start address on, code page 437. */
import type { VideoCard } from '../devices/vga/video-card.js';
import { ATTR, CRTC } from '../devices/vga/vga-registers.js';
import { unicodeOf } from './code-page-437.js';

/** No text mode has more; registers may say anything. */
const MOST_COLUMNS = 256;
const MOST_ROWS = 128;
/** Cells that a text mode's 32 KiB have. */
const CELLS = 0x4000;
const CURSOR_OFF = 0x20, DOUBLE_SCAN = 0x80, BLINK = 0x08;

export interface TextScreen {
  readonly columns: number;
  readonly rows: number;
  /** Rows of pixels of a character. */
  readonly characterHeight: number;
  /** Row by row: character in the low byte, attribute in the high one. */
  readonly cells: Uint16Array;
  /** Undefined while it is off or outside the screen. */
  readonly cursor: { readonly row: number; readonly column: number } | undefined;
  /** Bit 7 of an attribute makes the character blink, and is not the background's brightness. */
  readonly blinks: boolean;
}

/** Undefined while the card is in a graphics mode. */
export function textScreen({ registers, memory, dispi }: VideoCard): TextScreen | undefined {
  if (dispi.isOn || registers.isGraphics) return undefined;
  const { crtc, attribute } = registers;
  const columns = Math.min(registers.columns, MOST_COLUMNS);
  const lines = registers.lines >> ((crtc.values[CRTC.maximumScanLine] & DOUBLE_SCAN) === 0 ? 0 : 1);
  const rows = Math.min(Math.floor(lines / registers.characterHeight), MOST_ROWS);
  const pitch = 2 * crtc.values[CRTC.offset];
  const { words } = memory;
  const at = (row: number, column: number): number => (registers.startAddress + row * pitch + column) % CELLS;
  const cells = new Uint16Array(columns * rows);
  for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) cells[row * columns + column] = words[at(row, column)];
  return {
    columns, rows, cells, characterHeight: registers.characterHeight,
    blinks: (attribute.values[ATTR.modeControl] & BLINK) !== 0,
    cursor: (crtc.values[CRTC.cursorStart] & CURSOR_OFF) !== 0 ? undefined : cursorPlace(registers.cursorAddress - registers.startAddress, pitch, columns, rows),
  };
}

function cursorPlace(distance: number, pitch: number, columns: number, rows: number): TextScreen['cursor'] {
  if (pitch === 0 || distance < 0) return undefined;
  const row = Math.floor(distance / pitch);
  const column = distance % pitch;
  return row < rows && column < columns ? { row, column } : undefined;
}

/** Its rows as text without blanks at their ends. */
export function textRows({ columns, rows, cells }: TextScreen): string[] {
  return Array.from({ length: rows }, (_, row) =>
    Array.from(cells.subarray(row * columns, (row + 1) * columns), (cell) => unicodeOf(cell & 0xff)).join('').trimEnd());
}
