/**
 * The VGA's digital-to-analog converter: 256 colours of 18 bits (or 24, which Bochs VBE can switch on), each written as red,
 * green, blue (IBM PS/2 Hardware Interface Technical Reference, "Video Digital-to-Analog Converter").
 */
import { savedNumber, type DeviceState } from '../../device.js';

const COLOURS = 256;
/** Bits of the state register: 3 after a read address was set, 0 after a write address. */
const STATE_READ = 3, STATE_WRITE = 0;

export class Dac {
  /** Red, green, blue of each colour as written: 6 bits each, or 8. */
  readonly palette = new Uint8Array(3 * COLOURS);
  /** Which bits of a pixel choose the colour. */
  pixelMask = 0xff;
  /** Bytes have 8 bits that count, not 6. */
  wide = false;
  #writeAt = 0;
  #readAt = 0;
  #state = STATE_WRITE;

  get state(): number {
    return this.#state;
  }

  /** The colour that the next write goes to. */
  get writeIndex(): number {
    return Math.floor(this.#writeAt / 3);
  }

  startRead(index: number): void {
    this.#readAt = 3 * index;
    this.#state = STATE_READ;
  }

  startWrite(index: number): void {
    this.#writeAt = 3 * index;
    this.#state = STATE_WRITE;
  }

  readData(): number {
    const value = this.palette[this.#readAt];
    this.#readAt = (this.#readAt + 1) % this.palette.length;
    return value;
  }

  writeData(value: number): void {
    this.palette[this.#writeAt] = this.wide ? value : value & 0x3f;
    this.#writeAt = (this.#writeAt + 1) % this.palette.length;
  }

  /** A colour as 0xRRGGBB; `index` is a pixel's value. */
  rgb(index: number): number {
    const at = 3 * (index & this.pixelMask);
    return (this.#level(at) << 16) | (this.#level(at + 1) << 8) | this.#level(at + 2);
  }

  /** Six bits become eight so that the brightest is white. */
  #level(at: number): number {
    const value = this.palette[at];
    return this.wide ? value : ((value & 0x3f) << 2) | ((value & 0x3f) >> 4);
  }

  reset(): void {
    this.palette.fill(0);
    this.pixelMask = 0xff;
    this.wide = false;
    this.#writeAt = this.#readAt = 0;
    this.#state = STATE_WRITE;
  }

  save(): DeviceState {
    return {
      palette: [...this.palette], pixelMask: this.pixelMask, wide: this.wide,
      writeAt: this.#writeAt, readAt: this.#readAt, state: this.#state,
    };
  }

  restore(state: DeviceState): void {
    const palette = state['palette'];
    if (!Array.isArray(palette) || palette.length !== this.palette.length) throw new TypeError('A saved VGA has no palette.');
    this.palette.set(palette as number[]);
    this.pixelMask = savedNumber(state, 'pixelMask') & 0xff;
    this.wide = state['wide'] === true;
    this.#writeAt = savedNumber(state, 'writeAt') % this.palette.length;
    this.#readAt = savedNumber(state, 'readAt') % this.palette.length;
    this.#state = savedNumber(state, 'state') & 3;
  }
}
