/**
 * Bochs VBE extensions ("DISPI"; Bochs and QEMU document them, QEMU in docs/specs/standard-vga.rst): high resolutions behind
 * an index at port 1CEh and a 16-bit data port at 1CFh (1D0h too). Port 1CEh is offset 0.
 */
import type { AccessSize, DeviceState, PortDevice } from '../../device.js';

export const DISPI = { id: 0, xres: 1, yres: 2, bpp: 3, enable: 4, bank: 5, virtualWidth: 6, virtualHeight: 7, xOffset: 8, yOffset: 9, memory64K: 10 } as const;
const REGISTERS = 11;
const ID_FIRST = 0xb0c0, ID_LAST = 0xb0c5;
export const ENABLED = 0x01, GET_CAPABILITIES = 0x02, WIDE_DAC = 0x20, LINEAR = 0x40, KEEP_MEMORY = 0x80;
const MOST_X = 2560, MOST_Y = 1600, MOST_BPP = 32;
const DEPTHS: readonly number[] = [8, 15, 16, 24, 32];
const BANK_SIZE = 0x1_0000;

export interface DispiEvents {
  /** A mode begins (`on`) or ends. */
  readonly switched: (on: boolean, clear: boolean) => void;
  /** Another bank is behind A0000. */
  readonly bankChanged: () => void;
  readonly dacWidth: (wide: boolean) => void;
}

export class Dispi implements PortDevice {
  readonly portWidth = 2 as const;
  readonly name = 'Bochs VBE';
  readonly #values = new Uint16Array(REGISTERS);
  #index = 0;

  /** `memorySize`: bytes of video memory. */
  constructor(private readonly memorySize: number, private readonly events: DispiEvents) {
    this.reset();
  }

  get isOn(): boolean {
    return (this.#values[DISPI.enable] & ENABLED) !== 0;
  }

  /** Pixels. */
  get width(): number {
    return this.#values[DISPI.xres];
  }

  get height(): number {
    return this.#values[DISPI.yres];
  }

  /** 8, 15, 16, 24 or 32 bits a pixel. */
  get depth(): number {
    return this.#values[DISPI.bpp];
  }

  /** Bytes from one row to the next. */
  get pitch(): number {
    return this.#values[DISPI.virtualWidth] * bytesOf(this.depth);
  }

  /** Bytes in front of the first pixel that is shown. */
  get start(): number {
    return this.#values[DISPI.yOffset] * this.pitch + this.#values[DISPI.xOffset] * bytesOf(this.depth);
  }

  /** Bytes in front of what A0000–AFFFF shows. */
  get bankOffset(): number {
    return this.#values[DISPI.bank] * BANK_SIZE;
  }

  readPort(offset: number, size: AccessSize): number {
    if (offset === 0) return size === 2 ? this.#index : 0xff;
    return size === 2 ? this.read(this.#index) : 0xff;
  }

  writePort(offset: number, size: AccessSize, value: number): void {
    if (size !== 2) return;
    if (offset === 0) this.#index = value;
    else this.write(this.#index, value);
  }

  /** 0 where no register is. */
  read(index: number): number {
    const asksForMost = (this.#values[DISPI.enable] & GET_CAPABILITIES) !== 0;
    if (asksForMost && index === DISPI.xres) return MOST_X;
    if (asksForMost && index === DISPI.yres) return MOST_Y;
    if (asksForMost && index === DISPI.bpp) return MOST_BPP;
    if (index === DISPI.memory64K) return this.memorySize / BANK_SIZE;
    if (index === DISPI.virtualHeight && this.pitch > 0) return Math.min(0xffff, Math.floor(this.memorySize / this.pitch));
    return this.#values[index] ?? 0;
  }

  write(index: number, value: number): void {
    switch (index) {
      case DISPI.id:
        if (value >= ID_FIRST && value <= ID_LAST) this.#values[index] = value;
        break;
      // A mode that is on keeps its size.
      case DISPI.xres:
        if (!this.isOn && value >= 8 && value <= MOST_X) this.#values[index] = value & ~7;
        break;
      case DISPI.yres:
        if (!this.isOn && value > 0 && value <= MOST_Y) this.#values[index] = value;
        break;
      case DISPI.bpp:
        if (!this.isOn && DEPTHS.includes(value === 0 ? 8 : value)) this.#values[index] = value === 0 ? 8 : value;
        break;
      case DISPI.enable: this.#enable(value); break;
      case DISPI.bank:
        if ((value + 1) * BANK_SIZE <= this.memorySize) {
          this.#values[index] = value;
          this.events.bankChanged();
        }
        break;
      case DISPI.virtualWidth: this.#setVirtualWidth(value); break;
      case DISPI.xOffset: this.#setOffset(index, value); break;
      case DISPI.yOffset: this.#setOffset(index, value); break;
      default: break;
    }
  }

  #enable(value: number): void {
    const was = this.isOn;
    const fits = this.width * bytesOf(this.depth) * this.height <= this.memorySize && this.width > 0 && this.height > 0;
    this.#values[DISPI.enable] = fits ? value : value & ~ENABLED;
    this.events.dacWidth((value & WIDE_DAC) !== 0);
    if (this.isOn && !was) {
      this.#values[DISPI.virtualWidth] = this.width;
      this.#values[DISPI.xOffset] = this.#values[DISPI.yOffset] = this.#values[DISPI.bank] = 0;
    }
    if (this.isOn !== was) this.events.switched(this.isOn, (value & KEEP_MEMORY) === 0);
  }

  /** Not narrower than the screen, and so that the screen still fits into the memory. */
  #setVirtualWidth(value: number): void {
    const widest = Math.floor(this.memorySize / (Math.max(1, this.height) * bytesOf(this.depth)));
    this.#values[DISPI.virtualWidth] = Math.max(this.width, Math.min(value, widest));
    this.#values[DISPI.xOffset] = this.#values[DISPI.yOffset] = 0;
  }

  /** What is shown must lie in the memory. */
  #setOffset(index: typeof DISPI.xOffset | typeof DISPI.yOffset, value: number): void {
    const before = this.#values[index];
    this.#values[index] = value;
    const end = this.start + (this.height - 1) * this.pitch + this.width * bytesOf(this.depth);
    if (end > this.memorySize) this.#values[index] = before;
  }

  reset(): void {
    const was = this.isOn;
    this.#values.fill(0);
    this.#values[DISPI.id] = ID_LAST;
    this.#values[DISPI.bpp] = 8;
    this.#index = 0;
    if (was) this.events.switched(false, false);
  }

  save(): DeviceState {
    return { index: this.#index, values: [...this.#values] };
  }

  restore(state: DeviceState): void {
    const values = state['values'];
    if (!Array.isArray(values) || values.length !== REGISTERS || typeof state['index'] !== 'number') throw new TypeError('A saved Bochs VBE has no registers.');
    this.#values.set(values as number[]);
    this.#index = state['index'] & 0xffff;
    this.events.switched(this.isOn, false);
  }
}

function bytesOf(depth: number): number {
  return (depth + 7) >> 3;
}
