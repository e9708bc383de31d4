/** Damages images and sees that loaders refuse them in words: random, but the same in each run. */
import { GuestError, isRam, type BootOptions } from '../../../../src/vmm/boot/boot-options.js';
import { loadGuest } from '../../../../src/vmm/boot/load-guest.js';

/** `count` copies of `file`, each with 1 to 4 bytes of `start` up to `end` replaced; xorshift32 from a fixed seed. */
export function* damage(file: Uint8Array, start: number, end: number, count: number, seed = 0x2545_f491): Generator<Uint8Array> {
  let state = seed;
  const random = (below: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  for (let i = 0; i < count; i++) {
    const copy = file.slice();
    // Most fields are wide: extremes in neighbouring bytes find more than single bytes do.
    const value = [0, 0xff, undefined][random(3)];
    const at = start + random(end - start);
    for (let n = random(4); n >= 0; n--) copy[Math.min(at + n, file.length - 1)] = value ?? random(256);
    yield copy;
  }
}

/** Loads each; `astray` has what was thrown that is not one sentence of a GuestError. */
export function refusals(files: Iterable<Uint8Array>, load: (file: Uint8Array) => unknown): { accepted: number; refused: number; astray: string[] } {
  let accepted = 0, refused = 0;
  const astray: string[] = [];
  for (const file of files) {
    try {
      load(file);
      accepted++;
    } catch (error) {
      refused++;
      if (!(error instanceof GuestError) || error.message.includes('\n')) astray.push(String((error as Error).stack));
    }
  }
  return { accepted, refused, astray };
}

/** Loads a guest that a machine could then start: whatever is accepted lies in RAM. */
export function loadIntoRam(file: Uint8Array, options: BootOptions): void {
  for (const { address, bytes } of loadGuest(file, options).writes) {
    if (!isRam(options.ram, Number(address), bytes.length)) throw new Error(`${bytes.length} bytes at 0x${address.toString(16)} are not in RAM`);
  }
}
