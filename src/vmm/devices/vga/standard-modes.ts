/**
 * The register values of the VGA's standard modes, as IBM's video BIOS sets them (IBM PS/2 Hardware Interface Technical
 * Reference, "Video Subsystem", register values by mode), and the colours that the modes begin with.
 */
import type { Vga } from './vga.js';

export interface StandardMode {
  readonly number: number;
  readonly isText: boolean;
  /** Characters. */
  readonly columns: number;
  readonly rows: number;
  /** Rows of pixels of a character. */
  readonly characterHeight: number;
  /** Where a program finds its memory: GPA. */
  readonly address: number;
  /** Bytes of a page, and how many pages there are. */
  readonly pageSize: number;
  readonly pages: number;
  readonly miscellaneous: number;
  readonly sequencer: readonly number[];
  readonly crtc: readonly number[];
  readonly attribute: readonly number[];
  readonly graphics: readonly number[];
  readonly colours: 'ega' | 'cga' | 'monochrome' | 'vga256';
}

const hex = (text: string): readonly number[] => text.split(' ').map((byte) => Number.parseInt(byte, 16));

const TEXT_ATTRIBUTES = hex('00 01 02 03 04 05 14 07 38 39 3a 3b 3c 3d 3e 3f 0c 00 0f 08 00');
const MONO_ATTRIBUTES = hex('00 08 08 08 08 08 08 08 10 18 18 18 18 18 18 18 0e 00 0f 08 00');
const LOW_ATTRIBUTES = hex('00 01 02 03 04 05 06 07 10 11 12 13 14 15 16 17 01 00 0f 00 00');
const HIGH_ATTRIBUTES = hex('00 01 02 03 04 05 14 07 38 39 3a 3b 3c 3d 3e 3f 01 00 0f 00 00');
const CGA4_ATTRIBUTES = hex('00 13 15 17 02 04 06 07 10 11 12 13 14 15 16 17 01 00 03 00 00');
const CGA2_ATTRIBUTES = hex('00 17 17 17 17 17 17 17 17 17 17 17 17 17 17 17 01 00 01 00 00');
const VGA256_ATTRIBUTES = hex('00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 41 00 0f 00 00');
const PLANAR_GRAPHICS = hex('00 00 00 00 00 00 05 0f ff');

const text = (number: number, wide: boolean): StandardMode => ({
  number, isText: true, columns: wide ? 80 : 40, rows: 25, characterHeight: 16, address: 0xb_8000, pageSize: wide ? 0x1000 : 0x800, pages: 8, colours: 'ega',
  miscellaneous: 0x67, sequencer: hex(wide ? '03 00 03 00 02' : '03 08 03 00 02'), attribute: TEXT_ATTRIBUTES,
  crtc: hex(wide
    ? '5f 4f 50 82 55 81 bf 1f 00 4f 0d 0e 00 00 00 00 9c 8e 8f 28 1f 96 b9 a3 ff'
    : '2d 27 28 90 2b a0 bf 1f 00 4f 0d 0e 00 00 00 00 9c 8e 8f 14 1f 96 b9 a3 ff'),
  graphics: hex('00 00 00 00 00 10 0e 0f ff'),
});
const graphics = { isText: false, characterHeight: 8, rows: 25, pages: 1 } as const;
const cga4 = (number: number): StandardMode => ({
  ...graphics, number, columns: 40, address: 0xb_8000, pageSize: 0x4000, colours: 'cga',
  miscellaneous: 0x63, sequencer: hex('03 09 03 00 02'), attribute: CGA4_ATTRIBUTES, graphics: hex('00 00 00 00 00 30 0f 0f ff'),
  crtc: hex('2d 27 28 90 2b 80 bf 1f 00 c1 00 00 00 00 00 00 9c 8e 8f 14 00 96 b9 a2 ff'),
});
const high480 = (number: number, modeControl: number): StandardMode => ({
  ...graphics, number, columns: 80, rows: 30, characterHeight: 16, address: 0xa_0000, pageSize: 0xa000, colours: 'ega',
  miscellaneous: 0xe3, sequencer: hex('03 01 0f 00 06'), attribute: HIGH_ATTRIBUTES, graphics: PLANAR_GRAPHICS,
  crtc: [...hex('5f 4f 50 82 54 80 0b 3e 00 40 00 00 00 00 00 00 ea 8c df 28 00 e7 04'), modeControl, 0xff],
});

const MODES: readonly StandardMode[] = [
  text(0, false), text(1, false), text(2, true), text(3, true), cga4(4), cga4(5),
  {
    ...graphics, number: 6, columns: 80, address: 0xb_8000, pageSize: 0x4000, colours: 'cga',
    miscellaneous: 0x63, sequencer: hex('03 01 01 00 06'), attribute: CGA2_ATTRIBUTES, graphics: hex('00 00 00 00 00 00 0d 0f ff'),
    crtc: hex('5f 4f 50 82 54 80 bf 1f 00 c1 00 00 00 00 00 00 9c 8e 8f 28 00 96 b9 c2 ff'),
  },
  {
    ...text(7, true), address: 0xb_0000, miscellaneous: 0x66, attribute: MONO_ATTRIBUTES, colours: 'monochrome',
    crtc: hex('5f 4f 50 82 55 81 bf 1f 00 4f 0d 0e 00 00 00 00 9c 8e 8f 28 0d 96 b9 a3 ff'), graphics: hex('00 00 00 00 00 10 0a 0f ff'),
  },
  {
    ...graphics, number: 0x0d, columns: 40, address: 0xa_0000, pageSize: 0x2000, pages: 8, colours: 'cga',
    miscellaneous: 0x63, sequencer: hex('03 09 0f 00 06'), attribute: LOW_ATTRIBUTES, graphics: PLANAR_GRAPHICS,
    crtc: hex('2d 27 28 90 2b 80 bf 1f 00 c0 00 00 00 00 00 00 9c 8e 8f 14 00 96 b9 e3 ff'),
  },
  {
    ...graphics, number: 0x0e, columns: 80, address: 0xa_0000, pageSize: 0x4000, pages: 4, colours: 'cga',
    miscellaneous: 0x63, sequencer: hex('03 01 0f 00 06'), attribute: LOW_ATTRIBUTES, graphics: PLANAR_GRAPHICS,
    crtc: hex('5f 4f 50 82 54 80 bf 1f 00 c0 00 00 00 00 00 00 9c 8e 8f 28 00 96 b9 e3 ff'),
  },
  {
    ...graphics, number: 0x10, columns: 80, characterHeight: 14, address: 0xa_0000, pageSize: 0x8000, pages: 2, colours: 'ega',
    miscellaneous: 0xa3, sequencer: hex('03 01 0f 00 06'), attribute: HIGH_ATTRIBUTES, graphics: PLANAR_GRAPHICS,
    crtc: hex('5f 4f 50 82 54 80 bf 1f 00 40 00 00 00 00 00 00 83 85 5d 28 0f 63 ba e3 ff'),
  },
  high480(0x11, 0xc3), high480(0x12, 0xe3),
  {
    ...graphics, number: 0x13, columns: 40, address: 0xa_0000, pageSize: 0x1_0000, colours: 'vga256',
    miscellaneous: 0x63, sequencer: hex('03 01 0f 00 0e'), attribute: VGA256_ATTRIBUTES, graphics: hex('00 00 00 00 00 40 05 0f ff'),
    crtc: hex('5f 4f 50 82 54 80 bf 1f 00 41 00 00 00 00 00 00 9c 8e 8f 28 40 96 b9 a3 ff'),
  },
];

export function standardMode(number: number): StandardMode | undefined {
  return MODES.find((mode) => mode.number === number);
}

const FIRST_PORT = 0x3b0;

/** Sets a mode's registers through the ports, as a BIOS does; `keepColours` leaves the palette. Memory stays as it is. */
export function setStandardMode(vga: Vga, mode: StandardMode, keepColours = false): void {
  const out = (port: number, value: number): void => vga.writePort(port - FIRST_PORT, 1, value);
  const crtc = (mode.miscellaneous & 1) === 0 ? 0x3b4 : 0x3d4;
  out(0x3c2, mode.miscellaneous);
  mode.sequencer.forEach((value, index) => { out(0x3c4, index); out(0x3c5, value); });
  // Bit 7 of the retrace end protects the first registers.
  out(crtc, 0x11);
  out(crtc + 1, 0);
  mode.crtc.forEach((value, index) => { out(crtc, index); out(crtc + 1, value); });
  mode.graphics.forEach((value, index) => { out(0x3ce, index); out(0x3cf, value); });
  vga.readPort(crtc + 6 - FIRST_PORT, 1);
  mode.attribute.forEach((value, index) => { out(0x3c0, index); out(0x3c0, value); });
  out(0x3c0, 0x20);
  out(0x3c6, 0xff);
  if (keepColours) return;
  out(0x3c8, 0);
  for (const colour of colours(mode.colours)) for (const level of colour) out(0x3c9, level);
}

type Colour = readonly [red: number, green: number, blue: number];

function colours(kind: StandardMode['colours']): readonly Colour[] {
  const range = (count: number, make: (i: number) => Colour): readonly Colour[] => Array.from({ length: count }, (_, i) => make(i));
  switch (kind) {
    case 'ega': return range(64, ega);
    case 'cga': return range(64, (i) => cga((i & 7) | ((i & 0x10) >> 1)));
    case 'monochrome': return range(64, (i) => grey([0, 0x2a, 0, 0x3f][(i >> 3) & 3]));
    case 'vga256': return [...range(16, cga), ...GREYS.map(grey), ...RINGS.flatMap(ring), ...range(8, () => [0, 0, 0])];
  }
}

const grey = (level: number): Colour => [level, level, level];

/** Two bits for each of red, green, blue: 2/3 and 1/3 of full brightness. */
function ega(i: number): Colour {
  const level = (strong: number, weak: number): number => ((i >> strong) & 1) * 0x2a + ((i >> weak) & 1) * 0x15;
  return [level(2, 5), level(1, 4), level(0, 3)];
}

/** Sixteen colours; dark yellow is brown. */
function cga(i: number): Colour {
  const base = (i & 8) === 0 ? 0 : 0x15;
  const level = (bit: number): number => base + ((i >> bit) & 1) * 0x2a;
  return i === 6 ? [0x2a, 0x15, 0] : [level(2), level(1), level(0)];
}

const GREYS = hex('00 05 08 0b 0e 11 14 18 1c 20 24 28 2d 32 38 3f');
/** From the least to the most of a colour, for three brightnesses of three saturations. */
const RINGS = ['00 10 1f 2f 3f', '1f 27 2f 37 3f', '2d 31 36 3a 3f', '00 07 0e 15 1c', '0e 11 15 18 1c', '14 16 18 1a 1c', '00 04 08 0c 10', '08 0a 0c 0e 10', '0b 0c 0d 0f 10'].map(hex);

/** 24 hues from blue over red and green back, in steps of one of the three at a time. */
function ring(levels: readonly number[]): readonly Colour[] {
  const [none, all] = [levels[0], levels[4]];
  return Array.from({ length: 24 }, (_, i) => {
    const up = levels[i % 4];
    const down = levels[4 - (i % 4)];
    return ([[up, none, all], [all, none, down], [all, up, none], [down, all, none], [none, all, up], [none, down, all]] as const)[Math.floor(i / 4)];
  });
}
