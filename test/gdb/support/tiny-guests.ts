/** Guests of a few bytes, real mode, for what the examples do not do: spin, halt, flood, end badly. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Machine code at linear 0x7c00, 16-bit unless the name says otherwise. */
export const TINY_GUESTS = {
  /** inc ax; jmp -3 */
  spin: [0x40, 0xeb, 0xfd],
  /** cli; hlt; jmp -3: nothing can wake it */
  halt: [0xfa, 0xf4, 0xeb, 0xfd],
  /** mov dx, 3f8; mov al, 'x'; out dx, al; jmp -3 */
  flood: [0xba, 0xf8, 0x03, 0xb0, 0x78, 0xee, 0xeb, 0xfd],
  /** mov al, 3; out f4, al; hlt: exit status 7 as in QEMU */
  debugExit: [0xb0, 0x03, 0xe6, 0xf4, 0xf4],
  /** Copies 16 bytes of code (nop × 14, jmp -16) from 7c40 to 8000 and jumps there. */
  loader: [
    0xfc, 0xbe, 0x40, 0x7c, 0xbf, 0x00, 0x80, 0xb9, 0x10, 0x00, 0xf3, 0xa4, 0xea, 0x00, 0x80, 0x00, 0x00,
    ...Array<number>(0x40 - 17).fill(0), ...Array<number>(14).fill(0x90), 0xeb, 0xf0,
  ],
  /** 32-bit: ud2 with the IDT of real mode, whose gates are none: triple fault */
  noHandler32: [0x90, 0x0f, 0x0b],
} as const;

export type TinyGuest = keyof typeof TINY_GUESTS;

/** Calls `work` with the path of an image of the guest, and the options that start it as a flat image at 7c00. */
export async function withTinyGuest(name: TinyGuest, work: (args: readonly string[]) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-guest-'));
  const path = join(folder, `${name}.img`);
  writeFileSync(path, Uint8Array.from(TINY_GUESTS[name]));
  try {
    await work(['--boot', 'flat', '--load', '0x7c00', '--mode', name.endsWith('32') ? 'protected' : 'real', path]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
