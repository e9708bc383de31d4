/** INT 10h: modes, text in every mode, pixels. Colours, fonts and VESA modes are in files of their own. */
import { setStandardMode, standardMode, type StandardMode } from '../devices/vga/standard-modes.js';
import { CRTC } from '../devices/vga/vga-registers.js';
import { BLANK_CELL, type VideoCard } from '../devices/vga/video-card.js';
import { fontFor } from '../display/fonts.js';
import type { GuestMemory } from '../guest-memory.js';
import type { BiosCall } from './bios-call.js';
import { drawnCharacters, textCells, type CharacterGrid } from './character-grid.js';
import { FONT_OFFSETS, GRAPHICS_FONT_VECTOR, ROM_SEGMENT } from './bios-rom.js';
import { serveFonts } from './font-services.js';
import { servePalette } from './palette-services.js';
import { pixelGrid, type PixelGrid } from './pixel-grid.js';
import { VbeServices } from './vbe-services.js';
import { PAGES, VideoData } from './video-data.js';

const GREY = 0x07;
const KEEP_MEMORY = 0x80;
const BEL = 7, BS = 8, LF = 10, CR = 13;
const TEXT_MODE = 3;
/** CGA's modes and those of text are from here on. */
const TEXT_START = 0xb_0000;
/** What INT 10h, AH=1Ah calls a VGA with a colour display, and with a monochrome one. */
const VGA_COLOUR = 0x08, VGA_MONOCHROME = 0x07;

export class VideoServices {
  private readonly data: VideoData;
  private readonly vbe: VbeServices;

  constructor(private readonly memory: GuestMemory, private readonly card: VideoCard) {
    this.data = new VideoData(memory);
    this.vbe = new VbeServices(memory, card, (mode) => this.setMode(mode));
  }

  /** False for a function that is not there. */
  serve(call: BiosCall): boolean {
    const page = call.byte('bh') % PAGES;
    switch (call.byte('ah')) {
      case 0x00: return this.setMode(call.byte('al'));
      case 0x01: this.setCursorShape(call.word('cx')); return true;
      case 0x02: this.setCursor(page, call.byte('dh'), call.byte('dl')); return true;
      case 0x03: {
        const { row, column } = this.data.cursor(page);
        call.setWord('dx', (row << 8) | column);
        call.setWord('cx', this.data.cursorShape);
        return true;
      }
      case 0x05: this.showPage(call.byte('al') % PAGES); return true;
      case 0x06: this.scrollWindow(call, 1); return true;
      case 0x07: this.scrollWindow(call, -1); return true;
      case 0x08: {
        const { row, column } = this.data.cursor(page);
        call.setWord('ax', this.characters.get(page, row, column));
        return true;
      }
      case 0x09: this.fill(page, call, call.byte('bl')); return true;
      case 0x0a: this.fill(page, call, this.mode.isText ? undefined : call.byte('bl')); return true;
      case 0x0b: return true; // CGA's palette: the VGA has its own
      case 0x0c: return this.writePixel(call);
      case 0x0d: call.setByte('al', this.pixels?.get(call.word('cx'), call.word('dx')) ?? 0); return true;
      case 0x0e: this.teletype(page, call.byte('al'), this.mode.isText ? undefined : call.byte('bl')); return true;
      case 0x0f:
        call.setWord('ax', (this.data.columns << 8) | this.data.mode);
        call.setByte('bh', this.data.page);
        return true;
      case 0x10: return servePalette(call, this.card, this.memory);
      case 0x11: return serveFonts(call, this.card, this.memory, this.data);
      case 0x12: return this.alternate(call);
      case 0x13: this.writeString(page, call); return true;
      case 0x1a:
        if (call.byte('al') === 0) call.setWord('bx', this.mode.colours === 'monochrome' ? VGA_MONOCHROME : VGA_COLOUR);
        call.setByte('al', 0x1a);
        return true;
      case 0x4f: return this.vbe.serve(call);
      default: return false;
    }
  }

  /** The guest may have written a mode that there is not. */
  private get mode(): StandardMode {
    return standardMode(this.data.mode) ?? (standardMode(TEXT_MODE) as StandardMode);
  }

  private get pixels(): PixelGrid | undefined {
    return this.mode.isText ? undefined : pixelGrid(this.mode, this.card, this.memory);
  }

  private get characters(): CharacterGrid {
    const { pixels } = this;
    return pixels === undefined ? textCells(this.memory, this.mode, () => this.data) : drawnCharacters(pixels, this.mode);
  }

  /** False where there is no such mode. Bit 7: what is in video memory stays. */
  private setMode(wanted: number): boolean {
    const mode = standardMode(wanted & ~KEEP_MEMORY);
    if (mode === undefined) return false;
    this.vbe.leave();
    setStandardMode(this.card.vga, mode);
    if ((wanted & KEEP_MEMORY) === 0) {
      if (mode.address < TEXT_START) this.card.memory.clear();
      else this.card.memory.clearCells(mode.isText ? BLANK_CELL : 0);
    }
    const font = fontFor(mode.characterHeight);
    if (mode.isText) this.card.loadGlyphs(font.glyphs, font.height);
    else this.memory.write(4 * GRAPHICS_FONT_VECTOR, farPointer(ROM_SEGMENT, FONT_OFFSETS[font.height]));
    this.data.setMode({ ...mode, crtc: mode.colours === 'monochrome' ? 0x3b4 : 0x3d4 });
    this.data.setRows(mode.rows, mode.characterHeight);
    for (let page = 0; page < PAGES; page++) this.setCursor(page, 0, 0);
    this.data.cursorShape = 0x0607;
    return true;
  }

  /** CX as a CGA's eight rows have it; a VGA's characters are higher. */
  private setCursorShape(shape: number): void {
    this.data.cursorShape = shape;
    const height = this.data.characterHeight;
    const first = (shape >> 8) & 0x1f, last = shape & 0x1f;
    const isCga = height > 8 && first < 8 && last < 8;
    const scaled = (row: number): number => (isCga ? Math.min(height - 1, row === last && last === 7 ? height - 2 : Math.floor(((row + 1) * height) / 8) - 1) : row);
    this.crtc(CRTC.cursorStart, scaled(first) | ((shape >> 8) & 0x20));
    this.crtc(CRTC.cursorEnd, scaled(last));
  }

  private showPage(page: number): void {
    this.data.setPage(page);
    const start = this.mode.isText ? (page * this.data.pageSize) / 2 : page * this.data.pageSize;
    this.crtc(CRTC.startHigh, (start >> 8) & 0xff);
    this.crtc(CRTC.startLow, start & 0xff);
    const { row, column } = this.data.cursor(page);
    this.setCursor(page, row, column);
  }

  private setCursor(page: number, row: number, column: number): void {
    this.data.setCursor(page, row, column);
    if (page !== this.data.page) return;
    const at = (page * this.data.pageSize) / 2 + row * this.data.columns + column;
    this.crtc(CRTC.cursorHigh, (at >> 8) & 0xff);
    this.crtc(CRTC.cursorLow, at & 0xff);
  }

  private crtc(index: number, value: number): void {
    this.card.registers.crtc.write(index, value);
  }

  private writePixel(call: BiosCall): boolean {
    const { pixels } = this;
    if (pixels === undefined) return false;
    const [x, y, colour] = [call.word('cx'), call.word('dx'), call.byte('al')];
    const isXor = pixels.colours < 256 && (colour & 0x80) !== 0;
    pixels.set(x, y, isXor ? pixels.get(x, y) ^ (colour & 0x7f) : colour);
    return true;
  }

  private teletype(page: number, character: number, attribute?: number): void {
    const { rows, columns } = this.data;
    const { characters } = this;
    let { row, column } = this.data.cursor(page);
    if (character === CR) column = 0;
    else if (character === LF) row++;
    else if (character === BS) column = Math.max(0, column - 1);
    else if (character !== BEL) {
      characters.put(page, row, column, character, attribute);
      column++;
    }
    if (column >= columns) {
      column = 0;
      row++;
    }
    if (row >= rows) {
      characters.scroll(page, 1, 0, 0, rows - 1, columns - 1, this.mode.isText ? GREY : 0);
      row = rows - 1;
    }
    this.setCursor(page, row, column);
  }

  /** AH=09h, 0Ah: CX copies from the cursor on, which stays. */
  private fill(page: number, call: BiosCall, attribute: number | undefined): void {
    const { rows, columns } = this.data;
    const { row, column } = this.data.cursor(page);
    const start = row * columns + column;
    const count = Math.min(call.word('cx'), rows * columns - start);
    const { characters } = this;
    for (let at = start; at < start + count; at++) characters.put(page, Math.floor(at / columns), at % columns, call.byte('al'), attribute);
  }

  /** AH=13h: bit 0 of AL moves the cursor, bit 1: the string has attributes. */
  private writeString(page: number, call: BiosCall): void {
    const how = call.byte('al');
    const before = this.data.cursor(page);
    this.setCursor(page, call.byte('dh'), call.byte('dl'));
    const size = (how & 2) === 0 ? 1 : 2;
    const text = this.memory.read(call.address('es', call.word('bp')), call.word('cx') * size);
    for (let i = 0; i + size <= text.length; i += size) this.teletype(page, text[i], size === 2 ? text[i + 1] : call.byte('bl'));
    if ((how & 1) === 0) this.setCursor(page, before.row, before.column);
  }

  private scrollWindow(call: BiosCall, direction: 1 | -1): void {
    const bottom = Math.min(call.byte('dh'), this.data.rows - 1);
    const right = Math.min(call.byte('dl'), this.data.columns - 1);
    const [top, left] = [call.byte('ch'), call.byte('cl')];
    if (bottom < top || right < left) return;
    const lines = call.byte('al') === 0 ? this.data.rows : call.byte('al');
    this.characters.scroll(this.data.page, direction * lines, top, left, bottom, right, call.byte('bh'));
  }

  /** AH=12h: BL=10h tells what card it is; the switches for emulating older ones do nothing. */
  private alternate(call: BiosCall): boolean {
    const what = call.byte('bl');
    if (what === 0x10) {
      call.setWord('bx', 0x0003); // colour, 256 KiB
      call.setWord('cx', 0x0009);
      return true;
    }
    if (what < 0x30 || what > 0x36) return false;
    call.setByte('al', 0x12);
    return true;
  }
}

/** As the interrupt table has it. */
function farPointer(segment: number, offset: number): Uint8Array {
  return Uint8Array.of(offset & 0xff, offset >> 8, segment & 0xff, segment >> 8);
}
