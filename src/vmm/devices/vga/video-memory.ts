/**
 * A video card's memory and where the guest sees it: all of it at a framebuffer address, and a part at A0000–BFFFF.
 *
 * Where the registers make that part plain memory (colour and monochrome text, chain-4 graphics, a Bochs VBE bank), the guest
 * has it as a memory slot, at full speed; otherwise each access comes here and goes through the planes. A slot is taken
 * away at once when the registers change, and given back when it is next looked for (docs/decisions/0015-video-memory.md).
 */
import { savedNumber, type DeviceState, type MmioDevice } from '../../device.js';
import type { GuestMemory } from '../../guest-memory.js';
import { VIDEO_START } from '../../memory-layout.js';
import type { MemoryWindow } from '../../memory-window.js';
import type { NativeMemory } from '../../native.js';
import type { Dispi } from './dispi.js';
import { PLANE_SIZE, Planes } from './planes.js';
import { GFX, SEQ, type VgaRegisters } from './vga-registers.js';

export const VIDEO_MEMORY_SIZE = 16 << 20;
const GRAPHICS_START = 0xa_0000, MONOCHROME_START = 0xb_0000, COLOUR_START = 0xb_8000;
const GRAPHICS_SIZE = 0x1_0000, TEXT_SIZE = 0x8000;
const ALL_PLANES = 0x0f, TEXT_PLANES = 0x03, READ_PLANES_2_3 = 0x02, MODE_ODD_EVEN = 0x10;

interface Showing {
  readonly window: MemoryWindow;
  readonly start: number;
  readonly size: number;
  readonly offset: number;
}

export class VideoMemory implements MmioDevice {
  readonly name = 'VGA memory';
  /** All of it; the planes are the first 256 KiB. */
  readonly bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #planes: Planes;
  readonly #native: NativeMemory;
  readonly #textNative: NativeMemory;
  /** Character and attribute of each cell, while the guest has them as plain memory. */
  readonly #cells: Uint16Array;
  readonly #graphics: MemoryWindow;
  readonly #text: MemoryWindow;
  readonly #framebuffer: MemoryWindow;
  /** Where it comes to be shown when it is looked for. */
  #offered: number | undefined;
  /** Bytes from the beginning that were written from here, past GuestMemory, since `#settle`. */
  #touched = 4 * PLANE_SIZE;

  constructor(private readonly guest: GuestMemory, private readonly registers: VgaRegisters, private readonly dispi: () => Dispi, private readonly log: (sentence: string) => void) {
    this.#native = guest.addDeviceMemory(VIDEO_MEMORY_SIZE);
    this.#textNative = guest.addDeviceMemory(TEXT_SIZE);
    this.bytes = new Uint8Array(this.#native.buffer);
    this.#words = new Uint32Array(this.#native.buffer, 0, PLANE_SIZE);
    this.#cells = new Uint16Array(this.#textNative.buffer);
    this.#planes = new Planes(registers, this.#words);
    this.#graphics = guest.addWindow('video', this.#native, GRAPHICS_SIZE);
    this.#text = guest.addWindow('video', this.#textNative, TEXT_SIZE);
    this.#framebuffer = guest.addWindow('video', this.#native, VIDEO_MEMORY_SIZE);
    guest.onMissing = (gpa) => this.reveal(gpa);
    guest.onSettle = () => this.#settle();
  }

  /** The four bytes at each plane address, plane 0 lowest, as the guest has last written them. */
  get words(): Uint32Array {
    if (this.#text.start !== undefined) this.#gatherCells();
    this.#touch();
    return this.#words;
  }

  /** GPA of the whole memory, if it is shown anywhere. */
  get framebuffer(): number | undefined {
    return this.#framebuffer.start ?? this.#offered;
  }

  /** Shows all of it at a GPA from the moment on at which someone looks there. */
  offerFramebuffer(start: number): void {
    this.#offered = start;
  }

  /** Shows all of it at a GPA, or nowhere. Where other memory is it stays hidden, which is said: the guest chose the address. */
  placeFramebuffer(start: number | undefined): void {
    if (start === undefined) return this.#framebuffer.hide();
    try {
      this.#framebuffer.show(start, 0);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.log(`The video card's memory is not there: ${error.message}`);
    }
  }

  /** To be called when a register or the bank has changed that says what A0000–BFFFF is. */
  changed(): void {
    const wanted = this.#wanted();
    const stays = (window: MemoryWindow): boolean =>
      window.start === undefined || (wanted?.window === window && wanted.start === window.start && wanted.offset === window.offset);
    if (!stays(this.#graphics)) this.#graphics.hide();
    if (!stays(this.#text)) {
      this.#gatherCells();
      this.#text.hide();
    }
  }

  /** Makes the memory at a GPA plain memory if that is what it is by now; true when it has become so. */
  reveal(gpa: number): boolean {
    if (this.#offered !== undefined && gpa >= this.#offered && gpa < this.#offered + VIDEO_MEMORY_SIZE && this.#framebuffer.start === undefined) {
      this.placeFramebuffer(this.#offered);
      return this.#framebuffer.start !== undefined;
    }
    const wanted = this.#wanted();
    if (wanted === undefined || gpa < wanted.start || gpa >= wanted.start + wanted.size || wanted.window.start !== undefined) return false;
    if (wanted.window === this.#text) this.#spreadCells();
    wanted.window.show(wanted.start, wanted.offset);
    return true;
  }

  /** What is plain memory now, and where. */
  #wanted(): Showing | undefined {
    const graphics = (offset: number): Showing => ({ window: this.#graphics, start: GRAPHICS_START, size: GRAPHICS_SIZE, offset });
    if (this.dispi().isOn) return graphics(this.dispi().bankOffset);
    if (!this.registers.ramEnabled || !this.#planes.isPlain) return undefined;
    const { sequencer, graphics: gfx } = this.registers;
    const mapMask = sequencer.values[SEQ.mapMask];
    if (this.#planes.isChained) return mapMask === ALL_PLANES && this.#map === 1 ? graphics(0) : undefined;
    const isText = this.#planes.isOddEven && mapMask === TEXT_PLANES && this.#map >= 2 &&
      (gfx.values[GFX.mode] & MODE_ODD_EVEN) !== 0 && (gfx.values[GFX.readMap] & READ_PLANES_2_3) === 0;
    if (!isText) return undefined;
    return { window: this.#text, start: this.#map === 2 ? MONOCHROME_START : COLOUR_START, size: TEXT_SIZE, offset: 0 };
  }

  /** Memory map select: 0 A0000–BFFFF, 1 A0000–AFFFF, 2 B0000–B7FFF, 3 B8000–BFFFF. */
  get #map(): number {
    return (this.registers.graphics.values[GFX.miscellaneous] >> 2) & 3;
  }

  readMmio(offset: number, data: Uint8Array): void {
    for (let i = 0; i < data.length; i++) {
      const address = this.#decode(offset + i);
      data[i] = address === undefined ? 0xff : this.#planes.read(address);
    }
  }

  writeMmio(offset: number, data: Uint8Array): void {
    this.#touch();
    for (let i = 0; i < data.length; i++) {
      const address = this.#decode(offset + i);
      if (address !== undefined) this.#planes.write(address, data[i]);
    }
  }

  /** Offset in the part of A0000–BFFFF that the card answers at; undefined where it does not. */
  #decode(offset: number): number | undefined {
    if (!this.registers.ramEnabled || this.dispi().isOn) return undefined;
    const start = [0, 0, MONOCHROME_START - VIDEO_START, COLOUR_START - VIDEO_START][this.#map];
    const size = [0x2_0000, 0x1_0000, TEXT_SIZE, TEXT_SIZE][this.#map];
    return offset >= start && offset < start + size ? offset - start : undefined;
  }

  #gatherCells(): void {
    this.#cells.forEach((cell, i) => {
      if ((this.#words[i] & 0xffff) === cell) return;
      this.#words[i] = (this.#words[i] & 0xffff_0000) | cell;
      this.#touch();
    });
  }

  #spreadCells(): void {
    this.#touch();
    for (let i = 0; i < this.#cells.length; i++) this.#cells[i] = this.#words[i];
  }

  /** All planes are 0. */
  clear(): void {
    this.#touch();
    this.#text.hide();
    this.#words.fill(0);
  }

  /** The first `length` bytes are 0. */
  clearBytes(length: number): void {
    this.bytes.fill(0, 0, length);
    this.#touch(length);
  }

  /** Every cell of a text mode, or word of CGA's memory, is `cell`; fonts stay. */
  clearCells(cell: number): void {
    this.#touch();
    if (this.#text.start !== undefined) {
      this.#cells.fill(cell);
      return;
    }
    for (let i = 0; i < this.#cells.length; i++) this.#words[i] = (this.#words[i] & 0xffff_0000) | cell;
  }

  /** As `clearCells`, where memory is empty, as it is after `reset`: part of every start, so without a loop. */
  clearCellsOfEmpty(cell: number): void {
    this.#touch();
    if (this.#text.start !== undefined) this.#cells.fill(cell);
    else this.#words.fill(cell, 0, this.#cells.length);
  }

  /** Empty. What is shown where stays until the registers change: taking a slot away and giving it back takes KVM a while. */
  reset(): void {
    this.#touch();
    this.#native.discard();
    this.guest.observer?.cleared(this.#native);
    this.#cells.fill(0);
    this.#planes.latch = 0;
  }

  /** What it holds is saved with all memory. */
  save(): DeviceState {
    return { latch: this.#planes.latch };
  }

  /** The memory comes next: what the cells were is in it. */
  restore(state: DeviceState): void {
    this.#planes.latch = savedNumber(state, 'latch');
    this.#text.hide();
  }

  #touch(length = 4 * PLANE_SIZE): void {
    this.#touched = Math.max(this.#touched, length);
  }

  /** Someone is about to look at all memory: everything is in it, and what went past GuestMemory is told. */
  #settle(): void {
    if (this.#text.start !== undefined) this.#gatherCells();
    const { observer } = this.guest;
    if (this.#touched === 0 || observer === undefined) return;
    observer.written(this.#native, 0, this.#touched);
    observer.written(this.#textNative, 0, TEXT_SIZE);
    this.#touched = 0;
  }
}
