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

/** Where an ELF file has what leads to its symbols: offsets in the header, a section's header and a symbol (System V ABI, chapter 4). */
const LAYOUTS = {
  elf32: { sections: 32, sectionSize: 46, sectionCount: 48, offset: 16, size: 20, link: 24, symbolSize: 16, value: 4 },
  elf64: { sections: 40, sectionSize: 58, sectionCount: 60, offset: 24, size: 32, link: 40, symbolSize: 24, value: 8 },
};
const ELFCLASS64 = 2;
const SHT_SYMTAB = 2;

/** Address of a symbol in the symbol table of an ELF file below 4 GiB. */
export function symbolAddress(file: Uint8Array, symbol: string): bigint {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const layout = file[4] === ELFCLASS64 ? LAYOUTS.elf64 : LAYOUTS.elf32;
  const word = (at: number): number => view.getUint32(at, true);
  const half = (at: number): number => view.getUint16(at, true);
  const sections = Array.from({ length: half(layout.sectionCount) }, (_, index) => {
    const at = word(layout.sections) + index * half(layout.sectionSize);
    return { type: word(at + 4), offset: word(at + layout.offset), size: word(at + layout.size), link: word(at + layout.link) };
  });
  for (const { type, offset, size, link } of sections) {
    if (type !== SHT_SYMTAB) continue;
    const names = sections[link].offset;
    for (let at = offset; at < offset + size; at += layout.symbolSize) {
      const name = String.fromCharCode(...file.subarray(names + word(at), file.indexOf(0, names + word(at))));
      if (name === symbol) return BigInt(word(at + layout.value));
    }
  }
  throw new Error(`no symbol ${symbol}`);
}
