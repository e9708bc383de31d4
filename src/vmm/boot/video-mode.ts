/** The linear framebuffer that a Multiboot kernel asks for, as the video card can give it. */
import { ISA_FRAMEBUFFER } from '../devices/vga/isa-framebuffer.js';

/** Pixels and bits a pixel. */
export interface VideoMode {
  readonly width: number;
  readonly height: number;
  /** 15, 16, 24 or 32. */
  readonly depth: number;
}

/** What a kernel without wishes gets. */
const DEFAULT: VideoMode = { width: 1024, height: 768, depth: 32 };
const MOST_WIDTH = 2560, MOST_HEIGHT = 1600;
const DEPTHS: readonly number[] = [15, 16, 24, 32];
/** Bit position and size of red, green and blue. */
const CHANNELS: Readonly<Record<number, readonly number[]>> = { 15: [10, 5, 5, 5, 0, 5], 16: [11, 5, 5, 6, 0, 5], 24: [16, 8, 8, 8, 0, 8], 32: [16, 8, 8, 8, 0, 8] };
export const RGB = 1, EGA_TEXT = 2;

/** The mode nearest to a wish, in which 0 is no preference. The card's rows are a multiple of eight pixels. */
export function nearestVideoMode({ width, height, depth }: VideoMode): VideoMode {
  return {
    width: width < 8 ? DEFAULT.width : Math.min(width, MOST_WIDTH) & ~7,
    height: height === 0 ? DEFAULT.height : Math.min(height, MOST_HEIGHT),
    depth: DEPTHS.includes(depth) ? depth : DEFAULT.depth,
  };
}

/** For the notes. */
export function describeVideoMode({ width, height, depth }: VideoMode): string {
  return `a framebuffer of ${width}x${height}x${depth} is at 0x${ISA_FRAMEBUFFER.toString(16)}`;
}

/**
 * The framebuffer as both versions of Multiboot tell it (0.6.96, 3.3; 2.0, 3.6.12): address in 8 bytes, pitch, width, height in 4
 * each, bits and kind in one each; `channels` follow, in version 2 after two bytes of nothing. Without a mode it is text.
 */
export function framebufferFields(mode: VideoMode | undefined): { readonly head: Uint8Array; readonly channels: Uint8Array } {
  const head = new DataView(new ArrayBuffer(22));
  const { address, pitch, width, height, bits, kind } = mode === undefined
    ? { address: 0xb_8000, pitch: 160, width: 80, height: 25, bits: 16, kind: EGA_TEXT }
    : { address: ISA_FRAMEBUFFER, pitch: mode.width * ((mode.depth + 7) >> 3), width: mode.width, height: mode.height, bits: mode.depth, kind: RGB };
  head.setBigUint64(0, BigInt(address), true);
  head.setUint32(8, pitch, true);
  head.setUint32(12, width, true);
  head.setUint32(16, height, true);
  head.setUint8(20, bits);
  head.setUint8(21, kind);
  return { head: new Uint8Array(head.buffer), channels: Uint8Array.from(mode === undefined ? [] : CHANNELS[mode.depth]) };
}
