/** The pixels of a standard graphics mode, one by one, as INT 10h reads and writes them. */
import type { StandardMode } from '../devices/vga/standard-modes.js';
import type { VideoCard } from '../devices/vga/video-card.js';
import type { GuestMemory } from '../guest-memory.js';

const CGA = 0xb_8000, CGA_HALF = 0x2000, CGA_PITCH = 80;
const PLANES = [0, 8, 16, 24];

export interface PixelGrid {
  readonly width: number;
  readonly height: number;
  /** Every colour. */
  readonly colours: number;
  /** 0 outside of the screen. */
  get(x: number, y: number): number;
  /** Nothing outside of the screen. */
  set(x: number, y: number, colour: number): void;
}

/** Of a mode's first page. */
export function pixelGrid(mode: StandardMode, card: VideoCard, memory: GuestMemory): PixelGrid {
  const width = 8 * mode.columns;
  const height = mode.rows * mode.characterHeight;
  const isInside = (x: number, y: number): boolean => x < width && y < height;
  const grid = accessor(mode, card, memory, width);
  return {
    width, height, colours: grid.colours,
    get: (x, y) => (isInside(x, y) ? grid.get(x, y) : 0),
    set: (x, y, colour) => { if (isInside(x, y)) grid.set(x, y, colour); },
  };
}

function accessor(mode: StandardMode, card: VideoCard, memory: GuestMemory, width: number): Pick<PixelGrid, 'colours' | 'get' | 'set'> {
  if (mode.number === 0x13) {
    const { bytes } = card.memory;
    return { colours: 256, get: (x, y) => bytes[y * width + x], set: (x, y, colour) => { bytes[y * width + x] = colour; } };
  }
  return mode.address === CGA ? packed(memory, mode.number === 6 ? 1 : 2) : planar(card, mode.columns);
}

/** CGA's: `bits` a pixel, odd rows in the second half. */
function packed(memory: GuestMemory, bits: 1 | 2): Pick<PixelGrid, 'colours' | 'get' | 'set'> {
  const perByte = 8 / bits;
  const mask = (1 << bits) - 1;
  const address = (x: number, y: number): number => CGA + (y & 1) * CGA_HALF + (y >> 1) * CGA_PITCH + Math.floor(x / perByte);
  const shift = (x: number): number => bits * (perByte - 1 - (x % perByte));
  return {
    colours: 1 << bits,
    get: (x, y) => ((memory.readByte(address(x, y)) ?? 0) >> shift(x)) & mask,
    set: (x, y, colour) => {
      const before = memory.readByte(address(x, y)) ?? 0;
      memory.writeByte(address(x, y), (before & ~(mask << shift(x))) | ((colour & mask) << shift(x)));
    },
  };
}

function planar({ memory: { words } }: VideoCard, pitch: number): Pick<PixelGrid, 'colours' | 'get' | 'set'> {
  return {
    colours: 16,
    get: (x, y) => PLANES.reduce((colour, shift, plane) => colour | (((words[y * pitch + (x >> 3)] >>> (shift + 7 - (x & 7))) & 1) << plane), 0),
    set: (x, y, colour) => {
      const at = y * pitch + (x >> 3);
      for (const [plane, shift] of PLANES.entries()) {
        const bit = 1 << (shift + 7 - (x & 7));
        words[at] = (colour & (1 << plane)) === 0 ? words[at] & ~bit : words[at] | bit;
      }
    },
  };
}
