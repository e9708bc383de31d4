/**
 * A Multiboot 1 kernel, ELF or "a.out kludge" (Multiboot Specification 0.6.96): loaded, given its information
 * structure (command line, modules, memory map, loader name), and entered in protected mode as 3.2 says.
 * The command line is `FILE ARGS`, as QEMU and GRUB Legacy give it.
 */
import { GuestError, formatRange, hex, type BootOptions, type LoadedGuest, type MemoryWrite } from './boot-options.js';
import { BootBlock, stringSize } from './boot-block.js';
import { protectedMode } from './cpu-modes.js';
import { placeGdt } from './furniture.js';
import { HIGH_MEMORY_START, LOW_MEMORY_END, memoryMap } from './memory-map.js';
import { placeModules, type PlacedModule } from './modules.js';
import { loadByAddresses, loadMultibootElf } from './multiboot-load.js';
import { findMultibootHeader } from './multiboot1-header.js';
import { Placement } from './placement.js';
import { describeVideoMode, framebufferFields, nearestVideoMode, type VideoMode } from './video-mode.js';

const BOOTLOADER_MAGIC = 0x2bad_b002n;
const LOADER_NAME = 'kvm-gdbserver';
/** Requirements of the header that can be met: page-aligned modules, memory information, and a video mode as a wish. */
const KNOWN_REQUIREMENTS = 0x7;
const INFO_MEMORY = 1 << 0, INFO_COMMAND_LINE = 1 << 2, INFO_MODULES = 1 << 3, INFO_MEMORY_MAP = 1 << 6, INFO_LOADER_NAME = 1 << 9, INFO_FRAMEBUFFER = 1 << 12;
/** Offset in the information. */
const FRAMEBUFFER = 88;
const INFO_SIZE = 116, MODULE_SIZE = 16, MAP_ENTRY_SIZE = 24;

/**
 * Starts a Multiboot kernel in 32-bit protected mode with its information structure (Multiboot 0.6.96, 3.2 and 3.3).
 * Throws GuestError for a header that asks for what is not there, or modules that do not fit.
 */
export function loadMultiboot1(file: Uint8Array, options: BootOptions): LoadedGuest {
  const header = findMultibootHeader(file);
  if (header === undefined) {
    throw new GuestError(`${options.name} has no Multiboot header (magic 0x1badb002 with a right checksum, 4-aligned in the first 8192 bytes); put it first in the linker script.`);
  }
  const unknown = header.flags & 0xffff & ~KNOWN_REQUIREMENTS;
  if (unknown !== 0) throw new GuestError(`${options.name} requires Multiboot features ${hex(unknown)} that no specification defines; clear those flags.`);

  const placement = new Placement(options.ram);
  const notes: string[] = [];
  const loaded = header.addresses !== undefined
    ? loadByAddresses(file, header.offset, header.addresses, options, placement, notes)
    : loadMultibootElf(file, options, placement, notes);
  if (loaded.entry > 0xffff_ffffn) throw new GuestError(`The entry point ${hex(loaded.entry)} of ${options.name} is above 4 GiB; Multiboot enters in 32-bit mode, so set ENTRY to a physical address.`);
  const videoMode = header.video === undefined ? undefined : nearestVideoMode(header.video);
  if (videoMode !== undefined) notes.push(describeVideoMode(videoMode));

  const writes = [...loaded.writes];
  const gdt = placeGdt(placement, 32, notes);
  const modules = placeModules(options.modules ?? [], placement, writes, notes);
  const info = buildInformation(options, modules, videoMode, placement, notes);
  writes.push(gdt.write, info.write);
  return {
    kind: 'multiboot', ...(videoMode !== undefined && { videoMode }), writes, entry: loaded.entry, notes, ...(loaded.isa !== undefined && { isa: loaded.isa }),
    cpu: protectedMode(loaded.entry, gdt.address, { rax: BOOTLOADER_MAGIC, rbx: BigInt(info.address) }),
    ...(options.path !== undefined && { executable: options.path }),
  };
}

/** The information structure of 3.3 and everything it points at. */
function buildInformation(options: BootOptions, modules: readonly PlacedModule[], videoMode: VideoMode | undefined, placement: Placement, notes: string[]): { address: number; write: MemoryWrite } {
  const commandLine = options.commandLine === undefined ? options.name : `${options.name} ${options.commandLine}`;
  const map = memoryMap(options.ram);
  const strings = [commandLine, LOADER_NAME, ...modules.map(({ text }) => text)];
  const size = INFO_SIZE + 8 + map.length * MAP_ENTRY_SIZE + 8 + modules.length * MODULE_SIZE + 8
    + strings.reduce((sum, text) => sum + stringSize(text), 0);
  const address = placement.placeLow('the Multiboot information', size);
  const block = new BootBlock(address, size);

  const info = block.reserve(INFO_SIZE);
  const low = options.ram[0];
  block.set32(info, INFO_MEMORY | INFO_COMMAND_LINE | INFO_MEMORY_MAP | INFO_LOADER_NAME | INFO_MODULES | INFO_FRAMEBUFFER);
  block.set32(info + 4, LOW_MEMORY_END / 1024);
  block.set32(info + 8, Math.max(0, low.size - HIGH_MEMORY_START) / 1024);
  block.set32(info + 16, block.string(commandLine));
  block.set32(info + 64, block.string(LOADER_NAME));

  const { head, channels } = framebufferFields(videoMode);
  block.set(info + FRAMEBUFFER, head);
  block.set(info + FRAMEBUFFER + head.length, channels);

  const moduleTable = block.reserve(modules.length * MODULE_SIZE);
  block.set32(info + 20, modules.length);
  block.set32(info + 24, moduleTable);
  modules.forEach(({ text, start, size: length }, i) => {
    block.set32(moduleTable + i * MODULE_SIZE, start);
    block.set32(moduleTable + i * MODULE_SIZE + 4, start + length);
    block.set32(moduleTable + i * MODULE_SIZE + 8, block.string(text));
  });

  const mapTable = block.reserve(map.length * MAP_ENTRY_SIZE);
  block.set32(info + 44, map.length * MAP_ENTRY_SIZE);
  block.set32(info + 48, mapTable);
  map.forEach((entry, i) => {
    const at = mapTable + i * MAP_ENTRY_SIZE;
    block.set32(at, MAP_ENTRY_SIZE - 4); // the size field does not count itself
    block.set64(at + 4, entry.start);
    block.set64(at + 12, entry.size);
    block.set32(at + 20, entry.type);
  });
  notes.push(`Multiboot information is at ${formatRange(address, size)}`);
  return { address, write: { address: BigInt(address), bytes: block.bytes } };
}
