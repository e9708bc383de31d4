/** What a video card shows, as pixels. */
import { ATTR, type VgaRegisters } from '../devices/vga/vga-registers.js';
import type { Dac } from '../devices/vga/dac.js';

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue of each pixel, row by row. */
  readonly rgb: Uint8Array;
}

/** A picture to be filled, black. */
export class Canvas implements Picture {
  readonly rgb: Uint8Array;

  constructor(readonly width: number, readonly height: number) {
    this.rgb = new Uint8Array(3 * width * height);
  }

  /** `colour`: 0xRRGGBB. */
  set(x: number, y: number, colour: number): void {
    const at = 3 * (y * this.width + x);
    this.rgb[at] = colour >> 16;
    this.rgb[at + 1] = colour >> 8;
    this.rgb[at + 2] = colour;
  }
}

const COLOUR_SELECT_GIVES_4_AND_5 = 0x80;

/** The sixteen colours of the attribute controller as 0xRRGGBB. */
export function attributeColours({ attribute: { values } }: VgaRegisters, dac: Dac): number[] {
  const select = values[ATTR.colourSelect];
  return Array.from({ length: 16 }, (_, colour) => {
    let index = values[colour & values[ATTR.planeEnable]] & 0x3f;
    if ((values[ATTR.modeControl] & COLOUR_SELECT_GIVES_4_AND_5) !== 0) index = (index & 0x0f) | ((select & 3) << 4);
    return dac.rgb(index | ((select & 0x0c) << 4));
  });
}
