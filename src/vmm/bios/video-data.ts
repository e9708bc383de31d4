/** What the BIOS data area says about the screen (IBM PC AT Technical Reference, "BIOS data area"). The guest can write anything there. */
import type { GuestMemory } from '../guest-memory.js';

const MODE = 0x449, COLUMNS = 0x44a, PAGE_SIZE = 0x44c, PAGE_START = 0x44e, CURSORS = 0x450, CURSOR_SHAPE = 0x460, PAGE = 0x462, CRTC = 0x463,
  LAST_ROW = 0x484, CHARACTER_HEIGHT = 0x485;
export const PAGES = 8;
const MOST_COLUMNS = 132;
const MOST_ROWS = 100;

export class VideoData {
  constructor(private readonly memory: GuestMemory) {}

  get mode(): number {
    return this.#byte(MODE) & 0x7f;
  }

  get columns(): number {
    return Math.min(Math.max(this.#word(COLUMNS), 1), MOST_COLUMNS);
  }

  get rows(): number {
    return Math.min(this.#byte(LAST_ROW) + 1, MOST_ROWS);
  }

  get page(): number {
    return this.#byte(PAGE) % PAGES;
  }

  get pageSize(): number {
    return this.#word(PAGE_SIZE);
  }

  get characterHeight(): number {
    return Math.min(Math.max(this.#word(CHARACTER_HEIGHT), 1), 32);
  }

  get cursorShape(): number {
    return this.#word(CURSOR_SHAPE);
  }

  set cursorShape(shape: number) {
    this.#setWord(CURSOR_SHAPE, shape);
  }

  cursor(page: number): { row: number; column: number } {
    const word = this.#word(CURSORS + 2 * page);
    return { row: Math.min(word >> 8, this.rows - 1), column: Math.min(word & 0xff, this.columns - 1) };
  }

  setCursor(page: number, row: number, column: number): void {
    this.#setWord(CURSORS + 2 * page, ((row & 0xff) << 8) | (column & 0xff));
  }

  setPage(page: number): void {
    this.memory.writeByte(PAGE, page);
    this.#setWord(PAGE_START, page * this.pageSize);
  }

  setMode({ number, columns, pageSize, crtc }: { number: number; columns: number; pageSize: number; crtc: number }): void {
    this.memory.writeByte(MODE, number);
    this.#setWord(COLUMNS, columns);
    this.#setWord(PAGE_SIZE, pageSize);
    this.#setWord(CRTC, crtc);
    this.setPage(0);
  }

  setRows(rows: number, characterHeight: number): void {
    this.memory.writeByte(LAST_ROW, rows - 1);
    this.#setWord(CHARACTER_HEIGHT, characterHeight);
  }

  #byte(address: number): number {
    return this.memory.readByte(address) ?? 0;
  }

  #word(address: number): number {
    return this.#byte(address) | (this.#byte(address + 1) << 8);
  }

  #setWord(address: number, value: number): void {
    this.memory.writeByte(address, value & 0xff);
    this.memory.writeByte(address + 1, (value >> 8) & 0xff);
  }
}
