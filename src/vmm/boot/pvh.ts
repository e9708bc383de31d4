/**
 * A kernel with a PVH entry (Xen, docs/misc/pvh.pandoc; public/arch-x86/hvm/start_info.h): entered in protected mode
 * at the address in its ELF note, EBX at a start-info structure, version 1, with the memory map.
 */
import { GuestError, formatRange, hex, type BootOptions, type LoadedGuest, type MemoryWrite } from './boot-options.js';
import { BootBlock, stringSize } from './boot-block.js';
import { protectedMode } from './cpu-modes.js';
import { describeSegments, loadSegments, parseElf, type ElfFile } from './elf.js';
import { isaProperties } from './elf-isa.js';
import { placeGdt } from './furniture.js';
import { memoryMap } from './memory-map.js';
import { placeModules, type PlacedModule } from './modules.js';
import { Placement } from './placement.js';

/** XEN_ELFNOTE_PHYS32_ENTRY (public/elfnote.h). */
const PHYS32_ENTRY = 18;
const START_INFO_MAGIC = 0x336e_c578;
const START_INFO_SIZE = 56, MODULE_SIZE = 32, MAP_ENTRY_SIZE = 24;

/** The physical entry address in the note, undefined when there is no such note. */
export function pvhEntry(elf: ElfFile): number | undefined {
  const note = elf.notes.find(({ name, type }) => name === 'Xen' && type === PHYS32_ENTRY);
  if (note === undefined || note.descriptor.length < 4) return undefined;
  return new DataView(note.descriptor.buffer, note.descriptor.byteOffset).getUint32(0, true);
}

/**
 * Starts an ELF file by its PVH note, in 32-bit protected mode with EBX at the start info (Xen, "x86/HVM direct boot
 * ABI"). Throws GuestError when something does not fit into RAM.
 */
export function loadPvh(file: Uint8Array, options: BootOptions): LoadedGuest {
  const elf = parseElf(file, options.name);
  const entry = pvhEntry(elf);
  if (entry === undefined) {
    throw new GuestError(`${options.name} has no PVH note (XEN_ELFNOTE_PHYS32_ENTRY, 18); leave --boot out, or enable CONFIG_PVH for a Linux kernel.`);
  }
  const placement = new Placement(options.ram);
  const writes = loadSegments(file, elf, options, placement);
  const inSegment = elf.segments.some(({ physical, memorySize }) => BigInt(entry) >= physical && BigInt(entry) < physical + BigInt(memorySize));
  if (!inSegment) throw new GuestError(`The PVH entry ${hex(entry)} of ${options.name} is in none of its segments; it must be a physical address.`);

  const notes = [`PVH: ${describeSegments(elf)}`];
  const gdt = placeGdt(placement, 32, notes);
  const modules = placeModules(options.modules ?? [], placement, writes, notes);
  const info = buildStartInfo(options, modules, placement, notes);
  writes.push(gdt.write, info.write);
  const isa = isaProperties(elf);
  return {
    kind: 'pvh', writes, entry: BigInt(entry), notes, ...(isa !== undefined && { isa }),
    cpu: protectedMode(BigInt(entry), gdt.address, { rbx: BigInt(info.address) }),
    ...(options.path !== undefined && { executable: options.path }),
  };
}

/** `struct hvm_start_info` and everything it points at. */
function buildStartInfo(options: BootOptions, modules: readonly PlacedModule[], placement: Placement, notes: string[]): { address: number; write: MemoryWrite } {
  const commandLine = options.commandLine ?? '';
  const map = memoryMap(options.ram);
  const size = START_INFO_SIZE + 8 + modules.length * MODULE_SIZE + 8 + map.length * MAP_ENTRY_SIZE + 8
    + [commandLine, ...modules.map(({ text }) => text)].reduce((sum, text) => sum + stringSize(text), 0);
  const address = placement.placeLow('the PVH start info', size);
  const block = new BootBlock(address, size);

  const info = block.reserve(START_INFO_SIZE);
  const moduleTable = block.reserve(modules.length * MODULE_SIZE);
  const mapTable = block.reserve(map.length * MAP_ENTRY_SIZE);
  block.set32(info, START_INFO_MAGIC);
  block.set32(info + 4, 1);
  block.set32(info + 12, modules.length);
  block.set64(info + 16, modules.length > 0 ? moduleTable : 0);
  block.set64(info + 24, block.string(commandLine));
  block.set64(info + 32, options.rsdp?.address ?? 0);
  block.set64(info + 40, mapTable);
  block.set32(info + 48, map.length);
  modules.forEach(({ text, start, size: length }, i) => {
    const at = moduleTable + i * MODULE_SIZE;
    block.set64(at, start);
    block.set64(at + 8, length);
    block.set64(at + 16, block.string(text));
  });
  map.forEach((entry, i) => {
    const at = mapTable + i * MAP_ENTRY_SIZE;
    block.set64(at, entry.start);
    block.set64(at + 8, entry.size);
    block.set32(at + 16, entry.type);
  });
  notes.push(`PVH start info is at ${formatRange(address, size)}`);
  return { address, write: { address: BigInt(address), bytes: block.bytes } };
}
