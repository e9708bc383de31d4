/** The boot information that a Multiboot 2 kernel finds behind EBX: a list of tags (Multiboot2 Specification 2.0, 3.6). */
import type { ElfSections } from './elf-sections.js';
import { HIGH_MEMORY_START, LOW_MEMORY_END, type MemoryMapEntry } from './memory-map.js';
import type { PlacedModule } from './modules.js';
import { framebufferFields, type VideoMode } from './video-mode.js';

const LOADER_NAME = 'kvm-gdbserver';
const TAG = { end: 0, commandLine: 1, loaderName: 2, module: 3, memory: 4, memoryMap: 6, framebuffer: 8, elfSections: 9, oldRsdp: 14, newRsdp: 15, loadBase: 21 } as const;
const MAP_ENTRY_SIZE = 24;
/** The RSDP of ACPI 1.0 is the front of later ones. */
const OLD_RSDP_SIZE = 20;

export interface Information {
  readonly commandLine: string;
  /** Their `text` without the file's name, as GRUB hands it over. */
  readonly modules: readonly PlacedModule[];
  readonly map: readonly MemoryMapEntry[];
  /** RAM below 4 GiB, in bytes from 0. */
  readonly lowRam: number;
  /** The framebuffer; text when absent. */
  readonly videoMode?: VideoMode;
  readonly sections?: ElfSections;
  /** ACPI's RSDP, revision 2. */
  readonly rsdp?: Uint8Array;
  /** GPA where a relocatable kernel lies. */
  readonly loadBase?: number;
}

/** All tags; it may lie at any multiple of 8, for nothing in it points into it. */
export function buildInformation(information: Information): Uint8Array {
  const { commandLine, modules, map, lowRam, videoMode, sections, rsdp, loadBase } = information;
  const { head, channels } = framebufferFields(videoMode);
  const tags = [
    tag(TAG.commandLine, text(commandLine)),
    tag(TAG.loaderName, text(LOADER_NAME)),
    tag(TAG.memory, words(LOW_MEMORY_END / 1024, Math.max(0, lowRam - HIGH_MEMORY_START) / 1024)),
    ...modules.map(({ text: string, start, size }) => tag(TAG.module, words(start, start + size), text(string))),
    tag(TAG.memoryMap, words(MAP_ENTRY_SIZE, 0), ...map.map(({ start, size, type }) => join(longs(start, size), words(type, 0)))),
    tag(TAG.framebuffer, head, new Uint8Array(2), channels),
    // Three words, as GRUB and every kernel have them; the specification's text says half-words.
    ...(sections === undefined ? [] : [tag(TAG.elfSections, words(sections.count, sections.entrySize, sections.nameIndex), sections.headers)]),
    ...(rsdp === undefined ? [] : [tag(TAG.oldRsdp, rsdp.subarray(0, OLD_RSDP_SIZE)), tag(TAG.newRsdp, rsdp)]),
    ...(loadBase === undefined ? [] : [tag(TAG.loadBase, words(loadBase))]),
    tag(TAG.end),
  ];
  const body = join(...tags);
  return join(words(8 + body.length, 0), body);
}

/** Padded to 8; the padding does not count in its size. */
function tag(type: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const payload = join(...parts);
  return join(words(type, 8 + payload.length), payload, new Uint8Array((8 - (payload.length % 8)) % 8));
}

function text(string: string): Uint8Array {
  return new TextEncoder().encode(`${string}\0`);
}

function words(...values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 4));
  values.forEach((value, i) => view.setUint32(i * 4, value, true));
  return new Uint8Array(view.buffer);
}

function longs(...values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 8));
  values.forEach((value, i) => view.setBigUint64(i * 8, BigInt(value), true));
  return new Uint8Array(view.buffer);
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
