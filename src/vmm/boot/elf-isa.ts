/**
 * What an ELF file says about the processor it was built for: the x86 ISA properties in its GNU property note (Linux
 * Extensions to gABI, 2.1 "Program property"; System V ABI, AMD64 supplement, table "Program Property x86 types").
 * Nothing in the note is trusted; a property that does not fit ends the reading.
 */
import type { IsaLevel, IsaProperties } from './boot-options.js';
import type { ElfFile } from './elf.js';

const NT_GNU_PROPERTY_TYPE_0 = 5;
const GNU_PROPERTY_X86_ISA_1_NEEDED = 0xc000_8002;
const GNU_PROPERTY_X86_ISA_1_USED = 0xc001_0002;
/** Highest first. Bits beyond are of levels that nobody has defined yet. */
const LEVEL_BITS: readonly (readonly [bit: number, level: IsaLevel])[] = [[8, 4], [4, 3], [2, 2], [1, 1]];

/** Undefined when the file says nothing. */
export function isaProperties({ bits, notes }: ElfFile): IsaProperties | undefined {
  let needed = 0, used = 0;
  for (const { name, type, descriptor } of notes) {
    if (name !== 'GNU' || type !== NT_GNU_PROPERTY_TYPE_0) continue;
    for (const [kind, value] of properties(descriptor, bits)) {
      if (kind === GNU_PROPERTY_X86_ISA_1_NEEDED) needed |= value;
      else if (kind === GNU_PROPERTY_X86_ISA_1_USED) used |= value;
    }
  }
  const neededLevel = highest(needed), usedLevel = highest(used);
  if (neededLevel === undefined && usedLevel === undefined) return undefined;
  return { bits, ...(neededLevel !== undefined && { needed: neededLevel }), ...(usedLevel !== undefined && { used: usedLevel }) };
}

/** Type and value of the properties that hold one 32-bit word; each is padded to 8 bytes in ELF64, to 4 in ELF32. */
function properties(bytes: Uint8Array, bits: 32 | 64): [type: number, value: number][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const alignment = bits / 8;
  const found: [number, number][] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const type = view.getUint32(at, true), size = view.getUint32(at + 4, true);
    if (at + 8 + size > bytes.length) break;
    if (size === 4) found.push([type, view.getUint32(at + 8, true)]);
    at += 8 + Math.ceil(size / alignment) * alignment;
  }
  return found;
}

function highest(mask: number): IsaLevel | undefined {
  return LEVEL_BITS.find(([bit]) => (mask & bit) !== 0)?.[1];
}
