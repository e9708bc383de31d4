/** A video card: a VGA with Bochs VBE, its memory and where all of it is in the machine. */
import type { Device } from '../../device.js';
import type { GuestMemory } from '../../guest-memory.js';
import { VIDEO_END, VIDEO_START } from '../../memory-layout.js';
import type { MmioBus } from '../../mmio-bus.js';
import type { PortBus } from '../../port-bus.js';
import { fontFor } from '../../display/fonts.js';
import { Dac } from './dac.js';
import { DISPI, Dispi, ENABLED, LINEAR } from './dispi.js';
import { setStandardMode, standardMode } from './standard-modes.js';
import { Vga } from './vga.js';
import { VgaRegisters } from './vga-registers.js';
import { VIDEO_MEMORY_SIZE, VideoMemory } from './video-memory.js';

const TEXT_MODE = 3;
/** A blank, grey on black. */
export const BLANK_CELL = 0x0720;
/** Plane addresses that a glyph has in a font in plane 2. */
export const GLYPH_PITCH = 32;
const PLANE_2 = 16;

/** Pixels and bits a pixel. */
export interface BootMode {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
}

export class VideoCard {
  readonly registers = new VgaRegisters();
  readonly #dac = new Dac();
  #isPoweringOn = false;
  readonly memory: VideoMemory;
  readonly dispi: Dispi;
  readonly vga: Vga;

  /**
   * Claims its ports and A0000–BFFFF. Its devices are to be reset before it is used; from then on it is in text mode 3, as a BIOS
   * leaves it, or in the graphics mode that the guest's boot loader is to set.
   */
  constructor(memory: GuestMemory, ports: PortBus, mmio: MmioBus, log: (sentence: string) => void, private readonly bootMode?: BootMode) {
    this.memory = new VideoMemory(memory, this.registers, () => this.dispi, log);
    this.dispi = new Dispi(VIDEO_MEMORY_SIZE, {
      switched: (on, clear) => {
        this.memory.changed();
        if (on && clear) this.memory.clearBytes(this.dispi.pitch * this.dispi.height);
      },
      bankChanged: () => this.memory.changed(),
      dacWidth: (wide) => { this.#dac.wide = wide; },
    });
    this.vga = new Vga({ registers: this.registers, dac: this.#dac, memoryChanged: () => { if (!this.#isPoweringOn) this.memory.changed(); }, powerOn: (vga) => this.#powerOn(vga) });
    ports.claim(this.vga, 0x3b0, 12);
    ports.claim(this.vga, 0x3c0, 32, 0x10);
    ports.claim(this.dispi, 0x1ce, 3);
    mmio.claim(this.memory, BigInt(VIDEO_START), BigInt(VIDEO_END - VIDEO_START));
  }

  /** In the order in which they are to be reset and restored. */
  get devices(): readonly Device[] {
    return [this.dispi, this.memory, this.vga];
  }

  /** Memory has been reset. It looks where it is once all registers are set, which may be where it was. */
  #powerOn(vga: Vga): void {
    const mode = standardMode(TEXT_MODE);
    if (mode === undefined) return;
    this.#isPoweringOn = true;
    setStandardMode(vga, mode);
    this.#isPoweringOn = false;
    this.memory.clearCellsOfEmpty(BLANK_CELL);
    this.loadGlyphs(fontFor(mode.characterHeight).glyphs, mode.characterHeight);
    if (this.bootMode === undefined) return;
    this.dispi.write(DISPI.xres, this.bootMode.width);
    this.dispi.write(DISPI.yres, this.bootMode.height);
    this.dispi.write(DISPI.bpp, this.bootMode.depth);
    this.dispi.write(DISPI.enable, ENABLED | LINEAR);
  }

  /** Puts glyphs of `height` bytes (1 to 32) into the font in plane 2 at plane address `start`, `first` being the first character. */
  loadGlyphs(glyphs: Uint8Array, height: number, first = 0, start = 0): void {
    // Part of every start, before any of it is compiled: so little is done for each row.
    const { words } = this.memory;
    const others = ~(0xff << PLANE_2);
    let at = start + first * GLYPH_PITCH;
    for (let from = 0; from < glyphs.length; from += height, at += GLYPH_PITCH) {
      for (let row = 0; row < height; row++) words[at + row] = (words[at + row] & others) | (glyphs[from + row] << PLANE_2);
      for (let row = height; row < GLYPH_PITCH; row++) words[at + row] &= others;
    }
  }
}
