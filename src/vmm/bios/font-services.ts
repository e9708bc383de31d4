/** INT 10h, AH=11h: fonts for text modes, and where the fonts in ROM are. */
import { CRTC } from '../devices/vga/vga-registers.js';
import type { VideoCard } from '../devices/vga/video-card.js';
import { fontFor } from '../display/fonts.js';
import type { GuestMemory } from '../guest-memory.js';
import type { BiosCall } from './bios-call.js';
import { FONT_OFFSETS, GRAPHICS_FONT_VECTOR, ROM_SEGMENT, UPPER_8X8_VECTOR } from './bios-rom.js';
import type { VideoData } from './video-data.js';

const GLYPHS = 256;
/** With this bit the screen's rows are made to fit the font. */
const FIT_ROWS = 0x10;
const TEXT_LINES = 400;
/** What AL chooses, with or without FIT_ROWS. */
const HEIGHTS = new Map([[0x01, 14], [0x02, 8], [0x04, 16]]);

/** False for a function that is not there. */
export function serveFonts(call: BiosCall, card: VideoCard, memory: GuestMemory, data: VideoData): boolean {
  const what = call.byte('al');
  if (what === 0x30) return tellFont(call, memory, data);
  const font = chosenFont(call, what & ~FIT_ROWS, memory);
  if (font === undefined) return false;
  const { glyphs, height, first } = font;
  card.loadGlyphs(glyphs, height, first, (call.byte('bl') & 3) * 0x4000);
  if ((what & FIT_ROWS) !== 0) {
    const { crtc } = card.registers;
    crtc.write(CRTC.maximumScanLine, (crtc.values[CRTC.maximumScanLine] & 0xe0) | (height - 1));
    crtc.write(CRTC.cursorStart, Math.max(0, height - 2));
    crtc.write(CRTC.cursorEnd, height - 1);
    data.setRows(Math.floor(TEXT_LINES / height), height);
  }
  return true;
}

interface Font {
  readonly glyphs: Uint8Array;
  readonly height: number;
  /** The character of the first glyph. */
  readonly first: number;
}

function chosenFont(call: BiosCall, which: number, memory: GuestMemory): Font | undefined {
  const own = HEIGHTS.get(which);
  if (own !== undefined) return { ...fontFor(own), first: 0 };
  const height = call.byte('bh');
  if (which !== 0x00 || height < 1 || height > 32) return undefined;
  const first = call.word('dx') % GLYPHS;
  const count = Math.min(call.word('cx'), GLYPHS - first);
  return { glyphs: memory.read(call.address('es', call.word('bp')), count * height), height, first };
}

/** ES:BP, rows of a glyph in CX, the last row of the screen in DL. */
function tellFont(call: BiosCall, memory: GuestMemory, data: VideoData): boolean {
  const fonts = [undefined, undefined, FONT_OFFSETS[14], FONT_OFFSETS[8], FONT_OFFSETS[8] + 8 * 128, undefined, FONT_OFFSETS[16]];
  const which = call.byte('bh');
  const offset = fonts[which];
  if (offset !== undefined) {
    call.setWord('bp', offset);
    call.setSegment('es', ROM_SEGMENT);
  } else if (which <= 1) {
    const vector = memory.read(4 * (which === 0 ? UPPER_8X8_VECTOR : GRAPHICS_FONT_VECTOR), 4);
    call.setWord('bp', vector[0] | (vector[1] << 8));
    call.setSegment('es', vector[2] | (vector[3] << 8));
  } else {
    return false;
  }
  call.setWord('cx', data.characterHeight);
  call.setByte('dl', data.rows - 1);
  return true;
}
