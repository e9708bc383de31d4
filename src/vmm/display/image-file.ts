/** A picture as a file: PNG, or PPM where the name says so. */
import { createRequire } from 'node:module';
import type * as Pngjs from 'pngjs';
import type { Picture } from './picture.js';

const RGB = 2;

/** The file's bytes; `name` ending in `.ppm` asks for a PPM (netpbm's "P6"), anything else is PNG. */
export function imageFile({ width, height, rgb }: Picture, name: string): Uint8Array {
  if (name.endsWith('.ppm')) return Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), rgb]);
  // Now and not at the start, which it and what it needs of node would delay by 15 ms.
  const { PNG } = createRequire(import.meta.url)('pngjs') as typeof Pngjs;
  const png = new PNG({ width, height, colorType: RGB, inputColorType: RGB, inputHasAlpha: false });
  png.data = Buffer.from(rgb);
  return PNG.sync.write(png, { colorType: RGB, inputColorType: RGB, inputHasAlpha: false });
}
