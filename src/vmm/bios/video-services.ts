/** INT 10h: text in mode 3, straight into B8000 as the BIOS does, with cursor and mode in the BIOS data area. */
import type { GuestMemory } from '../guest-memory.js';
import type { BiosCall } from './bios-call.js';

const TEXT = 0xb_8000;
const COLUMNS = 80;
const ROWS = 25;
const PAGE_BYTES = 0x1000;
const PAGES = 8;
const GRAPHICS_320 = 0xa_0000;
const GRAPHICS_320_BYTES = 320 * 200;
const BLANK = 0x20;
const GREY = 0x07;
const BDA_MODE = 0x449;
const BDA_CURSOR = 0x450;
const BDA_CURSOR_SHAPE = 0x460;
const BDA_PAGE = 0x462;
const BEL = 7, BS = 8, LF = 10, CR = 13;

export class VideoServices {
  constructor(private readonly memory: GuestMemory) {}

  /** False for a function that is not there. */
  serve(call: BiosCall): boolean {
    const page = call.byte('bh') % PAGES;
    switch (call.byte('ah')) {
      case 0x00: return this.setMode(call);
      case 0x01: this.writeWord(BDA_CURSOR_SHAPE, call.word('cx')); return true;
      case 0x02: this.setCursor(page, call.byte('dh'), call.byte('dl')); return true;
      case 0x03: {
        const { row, column } = this.cursor(page);
        call.setWord('dx', (row << 8) | column);
        call.setWord('cx', this.readWord(BDA_CURSOR_SHAPE));
        return true;
      }
      case 0x05: this.memory.writeByte(BDA_PAGE, call.byte('al') % PAGES); return true;
      case 0x06: this.scrollWindow(call, 1); return true;
      case 0x07: this.scrollWindow(call, -1); return true;
      case 0x08: {
        const { row, column } = this.cursor(page);
        call.setWord('ax', this.readWord(cell(page, row, column)));
        return true;
      }
      case 0x09: this.fill(page, call, call.byte('bl')); return true;
      case 0x0a: this.fill(page, call, undefined); return true;
      case 0x0e: this.teletype(page, call.byte('al')); return true;
      case 0x0f:
        call.setWord('ax', (COLUMNS << 8) | (this.memory.readByte(BDA_MODE) ?? 3));
        call.setByte('bh', this.activePage);
        return true;
      case 0x10: case 0x11: case 0x12: return true; // palette, fonts, blinking: nothing to be done for a text dump
      case 0x13: this.writeString(page, call); return true;
      default: return false;
    }
  }

  private setMode(call: BiosCall): boolean {
    const mode = call.byte('al') & 0x7f;
    if (mode > 3 && mode !== 7 && mode !== 0x13) return false;
    this.memory.writeByte(BDA_MODE, mode);
    this.memory.writeByte(BDA_PAGE, 0);
    const keeps = (call.byte('al') & 0x80) !== 0;
    if (!keeps && mode === 0x13) this.memory.write(GRAPHICS_320, new Uint8Array(GRAPHICS_320_BYTES));
    if (!keeps && mode !== 0x13) for (let row = 0; row < ROWS; row++) this.clearRow(0, row, 0, COLUMNS - 1, GREY);
    for (let page = 0; page < PAGES; page++) this.setCursor(page, 0, 0);
    return true;
  }

  private teletype(page: number, character: number, attribute?: number): void {
    let { row, column } = this.cursor(page);
    if (character === CR) column = 0;
    else if (character === LF) row++;
    else if (character === BS) column = Math.max(0, column - 1);
    else if (character !== BEL) {
      this.put(page, row, column, character, attribute);
      column++;
    }
    if (column >= COLUMNS) {
      column = 0;
      row++;
    }
    if (row >= ROWS) {
      this.scroll(page, 1, 0, 0, ROWS - 1, COLUMNS - 1, GREY);
      row = ROWS - 1;
    }
    this.setCursor(page, row, column);
  }

  /** AH=09h, 0Ah: CX copies from the cursor on, which stays. */
  private fill(page: number, call: BiosCall, attribute: number | undefined): void {
    const { row, column } = this.cursor(page);
    const start = row * COLUMNS + column;
    const count = Math.min(call.word('cx'), ROWS * COLUMNS - start);
    for (let i = 0; i < count; i++) {
      const at = start + i;
      this.put(page, Math.floor(at / COLUMNS), at % COLUMNS, call.byte('al'), attribute);
    }
  }

  /** AH=13h: bit 0 of AL moves the cursor, bit 1: the string has attributes. */
  private writeString(page: number, call: BiosCall): void {
    const mode = call.byte('al');
    const before = this.cursor(page);
    this.setCursor(page, call.byte('dh'), call.byte('dl'));
    const size = (mode & 2) === 0 ? 1 : 2;
    const text = this.memory.read(call.address('es', call.word('bp')), call.word('cx') * size);
    for (let i = 0; i + size <= text.length; i += size) this.teletype(page, text[i], size === 2 ? text[i + 1] : call.byte('bl'));
    if ((mode & 1) === 0) this.setCursor(page, before.row, before.column);
  }

  private scrollWindow(call: BiosCall, direction: 1 | -1): void {
    const bottom = Math.min(call.byte('dh'), ROWS - 1);
    const right = Math.min(call.byte('dl'), COLUMNS - 1);
    const lines = call.byte('al') === 0 ? ROWS : call.byte('al');
    this.scroll(this.activePage, direction * lines, call.byte('ch'), call.byte('cl'), bottom, right, call.byte('bh'));
  }

  /** Moves a window up by `lines`, or down by as many less than 0; what becomes free is blank. */
  private scroll(page: number, lines: number, top: number, left: number, bottom: number, right: number, attribute: number): void {
    const height = bottom - top + 1;
    const width = right - left + 1;
    if (height <= 0 || width <= 0) return;
    const old = Array.from({ length: height }, (_, i) => this.memory.read(cell(page, top + i, left), 2 * width));
    for (let i = 0; i < height; i++) {
      const from = old[i + lines];
      if (from === undefined) this.clearRow(page, top + i, left, right, attribute);
      else this.memory.write(cell(page, top + i, left), from);
    }
  }

  private clearRow(page: number, row: number, left: number, right: number, attribute: number): void {
    for (let column = left; column <= right; column++) this.put(page, row, column, BLANK, attribute);
  }

  private put(page: number, row: number, column: number, character: number, attribute: number | undefined): void {
    this.memory.writeByte(cell(page, row, column), character);
    if (attribute !== undefined) this.memory.writeByte(cell(page, row, column) + 1, attribute);
  }

  /** The guest can write any byte there. */
  private get activePage(): number {
    return (this.memory.readByte(BDA_PAGE) ?? 0) % PAGES;
  }

  private cursor(page: number): { row: number; column: number } {
    const word = this.readWord(BDA_CURSOR + 2 * page);
    return { row: Math.min(word >> 8, ROWS - 1), column: Math.min(word & 0xff, COLUMNS - 1) };
  }

  private setCursor(page: number, row: number, column: number): void {
    this.writeWord(BDA_CURSOR + 2 * page, ((row & 0xff) << 8) | (column & 0xff));
  }

  private readWord(address: number): number {
    return (this.memory.readByte(address) ?? 0) | ((this.memory.readByte(address + 1) ?? 0) << 8);
  }

  private writeWord(address: number, value: number): void {
    this.memory.writeByte(address, value & 0xff);
    this.memory.writeByte(address + 1, value >> 8);
  }
}

function cell(page: number, row: number, column: number): number {
  return TEXT + page * PAGE_BYTES + 2 * (row * COLUMNS + column);
}
