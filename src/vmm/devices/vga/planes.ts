/**
 * The path between processor and the four planes of a VGA: write modes 0 to 3, read modes 0 and 1, latches, odd/even and
 * chain-4 addressing (IBM PS/2 Hardware Interface Technical Reference, "Graphics Controller", "Sequencer").
 *
 * The four bytes at one plane address lie side by side, plane 0 lowest. What odd/even and chain-4 leave out of a plane
 * address is closed up: byte n of a chain-4 mode is byte n of the memory, and cell n of a text mode has plane address n.
 */
import { GFX, SEQ, type VgaRegisters } from './vga-registers.js';

/** Plane addresses. */
export const PLANE_SIZE = 0x1_0000;
const ODD_EVEN_OFF = 0x04, CHAIN_4 = 0x08;
const MODE_ODD_EVEN = 0x10, READ_COMPARE = 0x08;
const EVEN_PLANES = 0x5, ODD_PLANES = 0xa;

export class Planes {
  /** What the last read or write found, all four planes. */
  latch = 0;

  /** `memory`: one word per plane address. */
  constructor(private readonly registers: VgaRegisters, private readonly memory: Uint32Array) {}

  get isChained(): boolean {
    return (this.registers.sequencer.values[SEQ.memoryMode] & CHAIN_4) !== 0;
  }

  /** Odd addresses are planes 1 and 3, even ones 0 and 2. */
  get isOddEven(): boolean {
    return (this.registers.sequencer.values[SEQ.memoryMode] & ODD_EVEN_OFF) === 0;
  }

  /** A write stores the processor's byte, all of it, and a read gives a plane's. */
  get isPlain(): boolean {
    const { values } = this.registers.graphics;
    return values[GFX.enableSetReset] === 0 && values[GFX.dataRotate] === 0 && (values[GFX.mode] & 0x0b) === 0 && values[GFX.bitMask] === 0xff;
  }

  /** A byte as the processor sees it; `address` counts from the start of the mapped memory. */
  read(address: number): number {
    const { values } = this.registers.graphics;
    const readsOddEven = (values[GFX.mode] & MODE_ODD_EVEN) !== 0;
    this.latch = this.memory[this.#planeAddress(address, readsOddEven)];
    if (this.isChained) return plane(this.latch, address & 3);
    if ((values[GFX.mode] & READ_COMPARE) !== 0) {
      const differs = (this.latch ^ spread(values[GFX.colourCompare])) & spread(values[GFX.colourDontCare]);
      return ~(differs | (differs >>> 8) | (differs >>> 16) | (differs >>> 24)) & 0xff;
    }
    return plane(this.latch, readsOddEven ? (values[GFX.readMap] & 2) | (address & 1) : values[GFX.readMap]);
  }

  write(address: number, value: number): void {
    let planes = this.registers.sequencer.values[SEQ.mapMask];
    if (this.isChained) planes &= 1 << (address & 3);
    else if (this.isOddEven) planes &= (address & 1) === 0 ? EVEN_PLANES : ODD_PLANES;
    const mask = spread(planes);
    const at = this.#planeAddress(address, this.isOddEven);
    this.memory[at] = (this.memory[at] & ~mask) | (this.#composed(value) & mask);
  }

  #planeAddress(address: number, oddEven: boolean): number {
    if (this.isChained) return (address >>> 2) % PLANE_SIZE;
    return (oddEven ? address >>> 1 : address) % PLANE_SIZE;
  }

  /** What the graphics controller makes of a byte for the four planes. */
  #composed(value: number): number {
    const { values } = this.registers.graphics;
    const rotated = rotateRight(value, values[GFX.dataRotate] & 7);
    const setReset = spread(values[GFX.setReset]);
    switch (values[GFX.mode] & 3) {
      case 0: {
        const enabled = spread(values[GFX.enableSetReset]);
        return this.#masked((repeat(rotated) & ~enabled) | (setReset & enabled), values[GFX.bitMask]);
      }
      case 1: return this.latch;
      case 2: return this.#masked(spread(value & 0x0f), values[GFX.bitMask]);
      default: return this.#masked(setReset, values[GFX.bitMask] & rotated);
    }
  }

  /** Combined with the latch, where the bits are not masked; the latch elsewhere. */
  #masked(data: number, bitMask: number): number {
    const mask = repeat(bitMask);
    return (this.#combined(data) & mask) | (this.latch & ~mask);
  }

  #combined(data: number): number {
    switch ((this.registers.graphics.values[GFX.dataRotate] >> 3) & 3) {
      case 1: return data & this.latch;
      case 2: return data | this.latch;
      case 3: return data ^ this.latch;
      default: return data;
    }
  }
}

function plane(word: number, number: number): number {
  return (word >>> (8 * number)) & 0xff;
}

/** Each of four bits as a whole byte. */
function spread(bits: number): number {
  return (bits & 1 ? 0xff : 0) | (bits & 2 ? 0xff00 : 0) | (bits & 4 ? 0xff_0000 : 0) | (bits & 8 ? 0xff00_0000 : 0);
}

function repeat(byte: number): number {
  return byte | (byte << 8) | (byte << 16) | (byte << 24);
}

function rotateRight(byte: number, count: number): number {
  return ((byte >> count) | (byte << (8 - count))) & 0xff;
}
