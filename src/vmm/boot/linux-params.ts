/**
 * `struct boot_params`, the "zero page" that a Linux kernel is started with (Linux, Documentation/arch/x86/zero-page.rst;
 * asm/bootparam.h): the kernel's own setup header with the loader's answers in it, and the memory map. What is left
 * zero is not there: screen, EFI, disks by BIOS.
 */
import { CAN_USE_HEAP, HEADER, type LinuxHeader } from './linux-header.js';
import type { MemoryMapEntry } from './memory-map.js';

export const BOOT_PARAMS_SIZE = 4096;
const ACPI_RSDP_ADDR = 0x70, E820_ENTRIES = 0x1e8, E820_TABLE = 0x2d0, E820_ENTRY_SIZE = 20;
/** "No id assigned" in type_of_loader. */
const UNDEFINED_LOADER = 0xff;

/** What the loader fills into the setup header. */
export interface LoaderAnswers {
  /** GPA of the protected-mode code. */
  readonly code32Start: number;
  /** GPA of the command line, which ends in a zero byte. */
  readonly commandLine: number;
  readonly vidMode: number;
  readonly initrd?: { readonly start: number; readonly size: number };
  /** GPA of ACPI's RSDP. */
  readonly rsdp?: bigint;
  /** Real mode only: offset in the setup code's segment where stack and heap end. */
  readonly heapEnd?: number;
}

/** Writes the answers into `bytes`, which begins as the kernel file does or is the zero page. */
export function fillSetupHeader(bytes: Uint8Array, answers: LoaderAnswers): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  view.setUint16(HEADER.vidMode, answers.vidMode, true);
  view.setUint8(HEADER.typeOfLoader, UNDEFINED_LOADER);
  view.setUint32(HEADER.code32Start, answers.code32Start, true);
  view.setUint32(HEADER.ramdiskImage, answers.initrd?.start ?? 0, true);
  view.setUint32(HEADER.ramdiskSize, answers.initrd?.size ?? 0, true);
  view.setUint32(HEADER.cmdLinePtr, answers.commandLine, true);
  const loadflags = view.getUint8(HEADER.loadflags);
  view.setUint8(HEADER.loadflags, answers.heapEnd === undefined ? loadflags & ~CAN_USE_HEAP : loadflags | CAN_USE_HEAP);
  if (answers.heapEnd !== undefined) view.setUint16(HEADER.heapEndPtr, answers.heapEnd - 0x200, true);
}

/** The zero page for the 32- and 64-bit entries. Only the setup header is taken from the file, as the protocol says. */
export function bootParams(file: Uint8Array, header: LinuxHeader, answers: LoaderAnswers, map: readonly MemoryMapEntry[]): Uint8Array {
  const bytes = new Uint8Array(BOOT_PARAMS_SIZE);
  bytes.set(file.subarray(HEADER.start, header.end), HEADER.start);
  fillSetupHeader(bytes, answers);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(ACPI_RSDP_ADDR, answers.rsdp ?? 0n, true);
  view.setUint8(E820_ENTRIES, map.length);
  map.forEach(({ start, size, type }, i) => {
    const at = E820_TABLE + i * E820_ENTRY_SIZE;
    view.setBigUint64(at, BigInt(start), true);
    view.setBigUint64(at + 8, BigInt(size), true);
    view.setUint32(at + 16, type, true);
  });
  return bytes;
}
