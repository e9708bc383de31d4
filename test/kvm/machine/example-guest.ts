/** The kernels of examples/guests: their bytes and where their variables are. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GUESTS_FOLDER } from '../../gdb/support/gdb-session.js';

/** Made when it is not there or old, where there is a compiler. */
export function exampleKernel(name: string): { readonly name: string; readonly bytes: Uint8Array } {
  spawnSync('make', ['-s', '-C', GUESTS_FOLDER, name]);
  return { name: `${name}.elf`, bytes: readFileSync(join(GUESTS_FOLDER, 'build', `${name}.elf`)) };
}

/** Address of a symbol in the symbol table of an ELF32 file (System V ABI, chapter 4). */
export function symbolAddress(file: Uint8Array, symbol: string): bigint {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const word = (at: number): number => view.getUint32(at, true);
  const section = (index: number): { offset: number; size: number; link: number; type: number } => {
    const at = word(32) + index * view.getUint16(46, true);
    return { type: word(at + 4), offset: word(at + 16), size: word(at + 20), link: word(at + 24) };
  };
  const sections = Array.from({ length: view.getUint16(48, true) }, (_, index) => section(index));
  const SYMTAB = 2;
  for (const { type, offset, size, link } of sections) {
    if (type !== SYMTAB) continue;
    const names = sections[link].offset;
    for (let at = offset; at < offset + size; at += 16) {
      const name = String.fromCharCode(...file.subarray(names + word(at), file.indexOf(0, names + word(at))));
      if (name === symbol) return BigInt(word(at + 4));
    }
  }
  throw new Error(`no symbol ${symbol}`);
}
