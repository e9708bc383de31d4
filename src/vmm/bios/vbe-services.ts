/** INT 10h, AH=4Fh: VESA modes over Bochs VBE (VESA BIOS Extension Core Functions 3.0; what loaders use of it). */
import { DISPI, ENABLED, KEEP_MEMORY, LINEAR } from '../devices/vga/dispi.js';
import type { VideoCard } from '../devices/vga/video-card.js';
import { VIDEO_MEMORY_SIZE } from '../devices/vga/video-memory.js';
import type { GuestMemory } from '../guest-memory.js';
import type { BiosCall } from './bios-call.js';
import { VENDOR_OFFSET, ROM_SEGMENT } from './bios-rom.js';

const SUPPORTED = 0x4f, FAILED = 0x01;
const INFO_SIZE = 256, MODE_INFO_SIZE = 256, MODE_LIST = 34;
const BANK_KIB = 64;
const USE_LINEAR = 0x4000, KEEP = 0x8000, MODE_MASK = 0x01ff;
const FIRST_VESA_MODE = 0x100;
/** Supported, extended information, colour, graphics, linear framebuffer. */
const MODE_ATTRIBUTES = 0x009b;
const PACKED_PIXELS = 4, DIRECT_COLOUR = 6;

const SIZES = [[640, 480], [800, 600], [1024, 768], [1280, 1024]] as const;
/** Mode number → width, height, bits; as VESA numbers them, and 32 bits as SeaBIOS does. */
const MODES = new Map<number, readonly [number, number, number]>([
  [0x100, [640, 400, 8]],
  ...SIZES.flatMap(([width, height], i) => [
    [0x101 + 2 * i, [width, height, 8]],
    [0x110 + 3 * i, [width, height, 15]], [0x111 + 3 * i, [width, height, 16]], [0x112 + 3 * i, [width, height, 24]],
    [0x142 + i, [width, height, 32]],
  ] as const),
]);

/** Width and place of red, green, blue and what is left, as mode information has them. */
const MASKS: Readonly<Record<number, readonly number[]>> = {
  8: [0, 0, 0, 0, 0, 0, 0, 0], 15: [5, 10, 5, 5, 5, 0, 1, 15], 16: [5, 11, 6, 5, 5, 0, 0, 0], 24: [8, 16, 8, 8, 8, 0, 0, 0], 32: [8, 16, 8, 8, 8, 0, 8, 24],
};

export class VbeServices {
  /** The mode that is on, with its LINEAR bit. */
  private current: number | undefined;

  /** `setMode` sets a standard mode. */
  constructor(private readonly memory: GuestMemory, private readonly card: VideoCard, private readonly setMode: (mode: number) => boolean) {}

  /** A standard mode begins. */
  leave(): void {
    this.current = undefined;
    this.card.dispi.write(DISPI.enable, 0);
  }

  /** False for a function that is not there. AX says how it went. */
  serve(call: BiosCall): boolean {
    const ok = this.carryOut(call);
    call.setByte('al', ok === undefined ? 0 : SUPPORTED);
    call.setByte('ah', ok === true ? 0 : FAILED);
    return true;
  }

  private carryOut(call: BiosCall): boolean | undefined {
    const { dispi } = this.card;
    switch (call.byte('al')) {
      case 0x00: return this.tellCard(call);
      case 0x01: return this.tellMode(call);
      case 0x02: return this.set(call.word('bx'));
      case 0x03: call.setWord('bx', this.current ?? (this.memory.readByte(0x449) ?? 0)); return true;
      case 0x05:
        if (call.byte('bl') !== 0) return false;
        if (call.byte('bh') === 0) dispi.write(DISPI.bank, call.word('dx'));
        else call.setWord('dx', dispi.bankOffset / (BANK_KIB * 1024));
        return true;
      case 0x06: {
        if (!dispi.isOn) return false;
        const bytes = (dispi.depth + 7) >> 3;
        if (call.byte('bl') === 0) dispi.write(DISPI.virtualWidth, call.word('cx'));
        else if (call.byte('bl') === 2) dispi.write(DISPI.virtualWidth, Math.ceil(call.word('cx') / bytes));
        call.setWord('bx', dispi.pitch);
        call.setWord('cx', dispi.pitch / bytes);
        call.setWord('dx', dispi.read(DISPI.virtualHeight));
        return true;
      }
      case 0x07:
        if (!dispi.isOn) return false;
        if ((call.byte('bl') & 0x7f) === 0) {
          dispi.write(DISPI.xOffset, call.word('cx'));
          dispi.write(DISPI.yOffset, call.word('dx'));
        } else {
          call.setWord('cx', dispi.read(DISPI.xOffset));
          call.setWord('dx', dispi.read(DISPI.yOffset));
        }
        return true;
      default: return undefined;
    }
  }

  private set(wanted: number): boolean {
    const number = wanted & MODE_MASK;
    if (number < FIRST_VESA_MODE) return this.setMode(number | ((wanted & KEEP) === 0 ? 0 : 0x80));
    const mode = MODES.get(number);
    if (mode === undefined) return false;
    const { dispi } = this.card;
    dispi.write(DISPI.enable, 0);
    dispi.write(DISPI.xres, mode[0]);
    dispi.write(DISPI.yres, mode[1]);
    dispi.write(DISPI.bpp, mode[2]);
    dispi.write(DISPI.enable, ENABLED | ((wanted & USE_LINEAR) === 0 ? 0 : LINEAR) | ((wanted & KEEP) === 0 ? 0 : KEEP_MEMORY));
    this.current = wanted & (MODE_MASK | USE_LINEAR);
    return true;
  }

  /** The card, and the list of modes in the block's own reserved part. */
  private tellCard(call: BiosCall): boolean {
    const [segment, offset] = [call.segment('es'), call.word('di')];
    const block = new DataView(new ArrayBuffer(INFO_SIZE));
    for (const [i, letter] of [...'VESA'].entries()) block.setUint8(i, letter.charCodeAt(0));
    block.setUint16(4, 0x0200, true);
    block.setUint32(6, (ROM_SEGMENT << 16) | VENDOR_OFFSET, true);
    block.setUint32(10, 1, true); // the DAC can have 8 bits
    block.setUint32(14, ((segment << 16) | ((offset + MODE_LIST) & 0xffff)) >>> 0, true);
    block.setUint16(18, VIDEO_MEMORY_SIZE / (BANK_KIB * 1024), true);
    [...MODES.keys(), 0xffff].forEach((mode, i) => block.setUint16(MODE_LIST + 2 * i, mode, true));
    return this.answer(call, new Uint8Array(block.buffer));
  }

  private tellMode(call: BiosCall): boolean {
    const mode = MODES.get(call.word('cx') & MODE_MASK);
    if (mode === undefined) return false;
    const [width, height, depth] = mode;
    const pitch = width * ((depth + 7) >> 3);
    const block = new DataView(new ArrayBuffer(MODE_INFO_SIZE));
    block.setUint16(0, MODE_ATTRIBUTES, true);
    block.setUint8(2, 0x07); // window A can be moved, read and written
    block.setUint16(4, BANK_KIB, true);
    block.setUint16(6, BANK_KIB, true);
    block.setUint16(8, 0xa000, true);
    block.setUint16(16, pitch, true);
    block.setUint16(18, width, true);
    block.setUint16(20, height, true);
    block.setUint8(22, 8);
    block.setUint8(23, 16);
    block.setUint8(24, 1);
    block.setUint8(25, depth);
    block.setUint8(26, 1);
    block.setUint8(27, depth === 8 ? PACKED_PIXELS : DIRECT_COLOUR);
    block.setUint8(29, Math.max(0, Math.floor(VIDEO_MEMORY_SIZE / (pitch * height)) - 1));
    block.setUint8(30, 1);
    MASKS[depth].forEach((value, i) => block.setUint8(31 + i, value));
    block.setUint32(40, this.card.memory.framebuffer ?? 0, true);
    block.setUint16(50, pitch, true); // of the linear framebuffer, since VBE 3.0
    return this.answer(call, new Uint8Array(block.buffer));
  }

  private answer(call: BiosCall, bytes: Uint8Array): boolean {
    const address = call.address('es', call.word('di'));
    if (!this.memory.contains(address, bytes.length)) return false;
    this.memory.write(address, bytes);
    return true;
  }
}
