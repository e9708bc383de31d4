/** A text screen on a terminal: ECMA-48 sequences for what has changed since the last time. */
import { unicodeOf } from './code-page-437.js';
import type { TextScreen } from './text-screen.js';

/** What a terminal calls the VGA's colours: blue and red, cyan and yellow change places. */
const COLOURS = [0, 4, 2, 6, 1, 5, 3, 7];
const BRIGHT = 0x08;
const CSI = '\x1b[';
const NO_CELL = -1;

export class AnsiScreen {
  /** What stands on the terminal, a cell each. */
  private shown = new Int32Array(0);
  private columns = 0;
  private rows = 0;

  /** Forgets what the terminal shows: the next drawing is complete. */
  clear(): void {
    this.shown = new Int32Array(0);
    this.columns = this.rows = 0;
  }

  /**
   * The sequences that bring a terminal of `width` by `height` characters from the last drawing to this one, and its cursor to
   * the guest's. Of a larger screen the part around the cursor is shown.
   */
  draw({ columns, rows, cells, cursor, blinks }: TextScreen, width: number, height: number): string {
    const wide = Math.min(columns, width);
    const high = Math.min(rows, height);
    const top = Math.max(0, Math.min(rows - high, (cursor?.row ?? 0) - high + 1));
    let text = '';
    if (this.columns !== wide || this.rows !== high) {
      [this.columns, this.rows] = [wide, high];
      this.shown = new Int32Array(wide * high).fill(NO_CELL);
      text += `${CSI}0m${CSI}2J`;
    }
    let attribute = NO_CELL;
    for (let row = 0; row < high; row++) {
      let isInPlace = false;
      for (let column = 0; column < wide; column++) {
        const cell = cells[(top + row) * columns + column];
        if (this.shown[row * wide + column] === cell) {
          isInPlace = false;
          continue;
        }
        this.shown[row * wide + column] = cell;
        if (!isInPlace) text += place(row, column);
        if (cell >> 8 !== attribute) text += colours(attribute = cell >> 8, blinks);
        text += unicodeOf(cell & 0xff);
        isInPlace = true;
      }
    }
    const isSeen = cursor !== undefined && cursor.row >= top && cursor.row < top + high && cursor.column < wide;
    return `${text}${attribute === NO_CELL ? '' : `${CSI}0m`}${isSeen ? `${place(cursor.row - top, cursor.column)}${CSI}?25h` : `${CSI}?25l`}`;
  }
}

/** Puts the terminal's cursor at a row and a column from 0. */
export function place(row: number, column: number): string {
  return `${CSI}${row + 1};${column + 1}H`;
}

function colours(attribute: number, blinks: boolean): string {
  const ink = COLOURS[attribute & 7] + ((attribute & BRIGHT) === 0 ? 30 : 90);
  const isLightPaper = !blinks && (attribute & 0x80) !== 0;
  const paper = COLOURS[(attribute >> 4) & 7] + (isLightPaper ? 100 : 40);
  return `${CSI}0;${blinks && (attribute & 0x80) !== 0 ? '5;' : ''}${ink};${paper}m`;
}
