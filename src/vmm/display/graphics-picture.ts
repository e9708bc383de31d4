/** A VGA graphics mode as pixels: sixteen colours in planes, CGA's pairs of bits, 256 colours. */
import type { VideoCard } from '../devices/vga/video-card.js';
import { ATTR, CRTC, GFX } from '../devices/vga/vga-registers.js';
import { PLANE_SIZE } from '../devices/vga/planes.js';
import { Canvas, attributeColours, type Picture } from './picture.js';

const SHIFT_PAIRS = 0x20, SHIFT_256 = 0x40;
const DOUBLE_SCAN = 0x80;
/** CRTC mode control: rows 0 and 1 of a character lie in different halves of the memory unless bit 0 is set; addresses count bytes. */
const WHOLE_ROWS = 0x01, BYTE_MODE = 0x40;
const DOUBLEWORD_MODE = 0x40;
const CGA_HALF = 0x2000;
const MOST_WIDTH = 2048;

export function graphicsPicture({ registers, memory, vga }: VideoCard): Picture {
  const { crtc, graphics } = registers;
  const mode = graphics.values[GFX.mode];
  const has256 = (mode & SHIFT_256) !== 0;
  const pixelsPerWord = has256 ? 4 : 8;
  const width = Math.min(registers.columns * pixelsPerWord, MOST_WIDTH);
  const interleaved = (crtc.values[CRTC.modeControl] & WHOLE_ROWS) === 0;
  const scans = (crtc.values[CRTC.maximumScanLine] & DOUBLE_SCAN) === 0 ? 1 : 2;
  // A row that is shown several times is one row of the picture.
  const repeated = interleaved ? scans : scans * registers.characterHeight;
  const height = Math.max(1, Math.floor(registers.lines / repeated));
  const splitAt = Math.floor((registers.lineCompare + 1) / repeated);
  const isWordMode = ((crtc.values[CRTC.modeControl] & BYTE_MODE) | (crtc.values[CRTC.underline] & DOUBLEWORD_MODE)) === 0;
  const half = isWordMode ? CGA_HALF / 2 : CGA_HALF;
  const pitch = 2 * crtc.values[CRTC.offset];
  const panning = registers.attribute.values[ATTR.pelPanning] & 7;
  const colour = has256 ? (value: number) => vga.dac.rgb(value) : indexed(attributeColours(registers, vga.dac));
  const pixels = has256 ? pixels256 : (mode & SHIFT_PAIRS) === 0 ? planar : pairs;
  const { words } = memory;
  const canvas = new Canvas(width, height);
  for (let y = 0; y < height; y++) {
    const isBelowSplit = y >= splitAt;
    const line = isBelowSplit ? y - splitAt : y;
    const row = interleaved ? Math.floor(line / registers.characterHeight) : line;
    const scan = interleaved ? line % registers.characterHeight : 0;
    const start = (isBelowSplit ? 0 : registers.startAddress) + row * pitch;
    const pan = isBelowSplit ? 0 : has256 ? panning >> 1 : panning;
    for (let x = 0; x < width; x++) {
      const counter = start + Math.floor((x + pan) / pixelsPerWord);
      const address = interleaved ? (counter & ~half) | ((scan & 1) * half) : counter;
      canvas.set(x, y, colour(pixels(words[address % PLANE_SIZE], (x + pan) % pixelsPerWord)));
    }
  }
  return canvas;
}

function indexed(colours: readonly number[]): (value: number) => number {
  return (value) => colours[value];
}

/** A bit of each plane. */
function planar(word: number, pixel: number): number {
  const bit = 7 - pixel;
  return ((word >>> bit) & 1) | (((word >>> (8 + bit)) & 1) << 1) | (((word >>> (16 + bit)) & 1) << 2) | (((word >>> (24 + bit)) & 1) << 3);
}

/** Two bits of planes 0 and 2, then of planes 1 and 3. */
function pairs(word: number, pixel: number): number {
  const shift = 6 - 2 * (pixel & 3) + (pixel < 4 ? 0 : 8);
  return ((word >>> shift) & 3) | (((word >>> (16 + shift)) & 3) << 2);
}

/** A byte of each plane in turn. */
function pixels256(word: number, pixel: number): number {
  return (word >>> (8 * pixel)) & 0xff;
}
