/** A Bochs VBE mode as pixels: 8 bits through the palette, 15, 16, 24 and 32 bits as they are. */
import type { VideoCard } from '../devices/vga/video-card.js';
import { Canvas, type Picture } from './picture.js';

export function framebufferPicture({ dispi, memory: { bytes }, vga }: VideoCard): Picture {
  const { width, height, depth, pitch, start } = dispi;
  const canvas = new Canvas(width, height);
  const size = (depth + 7) >> 3;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = start + y * pitch + x * size;
      let value = 0;
      // Past the end of the memory there is nothing.
      for (let i = size - 1; i >= 0; i--) value = (value << 8) | (bytes[at + i] ?? 0);
      canvas.set(x, y, depth === 8 ? vga.dac.rgb(value) : depth <= 16 ? spread(value, depth) : value & 0xff_ffff);
    }
  }
  return canvas;
}

/** 5-5-5 or 5-6-5 bits as 0xRRGGBB; the brightest is white. */
function spread(value: number, depth: number): number {
  const greenBits = depth === 16 ? 6 : 5;
  const level = (bits: number, shift: number): number => {
    const part = (value >> shift) & ((1 << bits) - 1);
    return (part << (8 - bits)) | (part >> (2 * bits - 8));
  };
  return (level(5, 5 + greenBits) << 16) | (level(greenBits, 5) << 8) | level(5, 0);
}
