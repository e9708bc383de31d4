/**
 * The registers of a VGA that are plain bytes behind an index: sequencer, graphics controller, CRT controller, attribute
 * controller (IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem"). Names are those of that manual.
 */
import type { DeviceState } from '../../device.js';

export const SEQ = { reset: 0, clockingMode: 1, mapMask: 2, characterMap: 3, memoryMode: 4 } as const;
export const GFX = {
  setReset: 0, enableSetReset: 1, colourCompare: 2, dataRotate: 3, readMap: 4, mode: 5, miscellaneous: 6, colourDontCare: 7, bitMask: 8,
} as const;
export const CRTC = {
  horizontalDisplayEnd: 0x01, verticalTotal: 0x06, overflow: 0x07, presetRowScan: 0x08, maximumScanLine: 0x09, cursorStart: 0x0a, cursorEnd: 0x0b,
  startHigh: 0x0c, startLow: 0x0d, cursorHigh: 0x0e, cursorLow: 0x0f, verticalRetraceEnd: 0x11, verticalDisplayEnd: 0x12,
  offset: 0x13, underline: 0x14, modeControl: 0x17, lineCompare: 0x18,
} as const;
export const ATTR = { modeControl: 0x10, overscan: 0x11, planeEnable: 0x12, pelPanning: 0x13, colourSelect: 0x14 } as const;

/** Bits that exist, register by register. */
const SEQ_MASKS = [0x03, 0x3d, 0x0f, 0x3f, 0x0e];
const GFX_MASKS = [0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff];
const CRTC_MASKS = new Array<number>(0x19).fill(0xff);
const ATTR_MASKS = [...new Array<number>(16).fill(0x3f), 0xef, 0xff, 0x3f, 0x0f, 0x0f];

export class RegisterBank {
  readonly values: Uint8Array;

  constructor(private readonly name: string, private readonly masks: readonly number[]) {
    this.values = new Uint8Array(masks.length);
  }

  /** 0 behind an index that no register has. */
  read(index: number): number {
    return this.values[index] ?? 0;
  }

  write(index: number, value: number): void {
    if (index < this.masks.length) this.values[index] = value & this.masks[index];
  }

  save(): readonly number[] {
    return [...this.values];
  }

  /** Throws TypeError when that is not such a bank. */
  restore(state: DeviceState): void {
    const saved = state[this.name];
    if (!Array.isArray(saved) || saved.length !== this.masks.length) throw new TypeError(`A saved VGA has no registers "${this.name}".`);
    saved.forEach((value, index) => this.write(index, Number(value)));
  }
}

export class VgaRegisters {
  readonly sequencer = new RegisterBank('sequencer', SEQ_MASKS);
  readonly graphics = new RegisterBank('graphics', GFX_MASKS);
  readonly crtc = new RegisterBank('crtc', CRTC_MASKS);
  readonly attribute = new RegisterBank('attribute', ATTR_MASKS);
  /** Miscellaneous output: bit 0 puts the CRT controller at 3D4h, bit 1 lets the processor at the memory. */
  miscellaneous = 0;

  get isColour(): boolean {
    return (this.miscellaneous & 1) !== 0;
  }

  /** The processor reaches video memory. */
  get ramEnabled(): boolean {
    return (this.miscellaneous & 2) !== 0;
  }

  /** Not a text mode. */
  get isGraphics(): boolean {
    return (this.graphics.values[GFX.miscellaneous] & 1) !== 0;
  }

  /** Rows of pixels that are shown. */
  get lines(): number {
    const { values } = this.crtc;
    const overflow = values[CRTC.overflow];
    return (values[CRTC.verticalDisplayEnd] | ((overflow & 0x02) << 7) | ((overflow & 0x40) << 3)) + 1;
  }

  /** The row from which on the picture begins at address 0 again. */
  get lineCompare(): number {
    const { values } = this.crtc;
    return values[CRTC.lineCompare] | ((values[CRTC.overflow] & 0x10) << 4) | ((values[CRTC.maximumScanLine] & 0x40) << 3);
  }

  /** Where the first row begins, in the CRT controller's own units. */
  get startAddress(): number {
    return (this.crtc.values[CRTC.startHigh] << 8) | this.crtc.values[CRTC.startLow];
  }

  get cursorAddress(): number {
    return (this.crtc.values[CRTC.cursorHigh] << 8) | this.crtc.values[CRTC.cursorLow];
  }

  /** Columns of characters, or of eight pixels. */
  get columns(): number {
    return this.crtc.values[CRTC.horizontalDisplayEnd] + 1;
  }

  /** Rows of pixels in a row of characters, 1 to 32. */
  get characterHeight(): number {
    return (this.crtc.values[CRTC.maximumScanLine] & 0x1f) + 1;
  }
}
