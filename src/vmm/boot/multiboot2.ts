/**
 * A Multiboot 2 kernel, ELF or by its address tag (Multiboot2 Specification 2.0): loaded, given its information, and
 * entered in 32-bit protected mode as 3.5 says for i386. As with GRUB, command line and modules' strings have no file name.
 */
import { GuestError, formatRange, hex, type BootOptions, type LoadedGuest, type MemoryWrite } from './boot-options.js';
import { protectedMode } from './cpu-modes.js';
import { isElf } from './elf.js';
import { loadSections } from './elf-sections.js';
import { placeGdt } from './furniture.js';
import { memoryMap } from './memory-map.js';
import { placeModules } from './modules.js';
import { loadByAddresses, loadMultibootElf, type LoadedKernel } from './multiboot-load.js';
import { findMultiboot2Header, parseMultiboot2Header, type Multiboot2Header } from './multiboot2-header.js';
import { buildInformation } from './multiboot2-information.js';
import { Placement } from './placement.js';
import { describeVideoMode, nearestVideoMode } from './video-mode.js';

const BOOTLOADER_MAGIC = 0x36d7_6289n;
/** Information tags that the specification knows, up to "image load base physical address". */
const LAST_INFORMATION_TAG = 21;

/**
 * Starts a Multiboot 2 kernel with EAX at the magic value and EBX at its information. Throws GuestError for a damaged
 * header, for what it requires and nobody knows, and for what does not fit into RAM.
 */
export function loadMultiboot2(file: Uint8Array, options: BootOptions): LoadedGuest {
  const offset = findMultiboot2Header(file);
  if (offset === undefined) {
    throw new GuestError(`${options.name} has no Multiboot 2 header for i386 (magic 0xe85250d6 with a right checksum, 8-aligned in the first 32768 bytes); put it first in the linker script.`);
  }
  const header = parseMultiboot2Header(file, offset, options.name);
  const unknown = header.required.find((type) => type > LAST_INFORMATION_TAG);
  if (unknown !== undefined) {
    throw new GuestError(`${options.name} requires Multiboot 2 information ${hex(unknown)}, which no specification defines; mark the request optional (flags bit 0).`);
  }

  const placement = new Placement(options.ram);
  const notes: string[] = [];
  const loaded = load(file, header, options, placement, notes);
  const entry = header.entry === undefined ? loaded.entry : BigInt(header.entry);
  if (entry > 0xffff_ffffn) throw new GuestError(`The entry point ${hex(entry)} of ${options.name} is above 4 GiB; Multiboot 2 enters in 32-bit mode, so set ENTRY to a physical address.`);
  const videoMode = header.framebuffer === undefined ? undefined : nearestVideoMode(header.framebuffer);
  if (videoMode !== undefined) notes.push(describeVideoMode(videoMode));

  const writes: MemoryWrite[] = [...loaded.writes];
  const gdt = placeGdt(placement, 32, notes);
  const modules = placeModules(options.modules ?? [], placement, writes, notes)
    .map(({ text, ...place }) => ({ ...place, text: text.replace(/^\S+\s*/, '') }));
  const sections = isElf(file) && header.addresses === undefined ? loadSections(file, placement, writes, notes) : undefined;
  const information = buildInformation({
    commandLine: options.commandLine ?? '', modules, map: memoryMap(options.ram), lowRam: options.ram[0]?.size ?? 0,
    ...(videoMode !== undefined && { videoMode }),
    ...(sections !== undefined && { sections }),
    ...(options.rsdp !== undefined && { rsdp: options.rsdp.bytes }),
    ...(header.relocatable && { loadBase: Number(loaded.base) }),
  });
  const address = placement.placeLow('the Multiboot 2 information', information.length);
  notes.push(`Multiboot 2 information is at ${formatRange(address, information.length)}`);
  writes.push(gdt.write, { address: BigInt(address), bytes: information });
  return {
    kind: 'multiboot2', ...(videoMode !== undefined && { videoMode }), writes, entry, notes, ...(loaded.isa !== undefined && { isa: loaded.isa }),
    cpu: protectedMode(entry, gdt.address, { rax: BOOTLOADER_MAGIC, rbx: BigInt(address) }),
    ...(options.path !== undefined && { executable: options.path }),
  };
}

function load(file: Uint8Array, header: Multiboot2Header, options: BootOptions, placement: Placement, notes: string[]): LoadedKernel {
  if (header.addresses === undefined) return loadMultibootElf(file, options, placement, notes);
  if (header.entry === undefined) {
    throw new GuestError(`The Multiboot 2 header of ${options.name} has an address tag (2) and no entry address tag (3); add one.`);
  }
  return loadByAddresses(file, header.offset, { ...header.addresses, entry: header.entry }, options, placement, notes);
}
