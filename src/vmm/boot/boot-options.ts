/**
 * How a guest may be started, and what starting it means: bytes to put into memory and a processor state.
 * Boot code is pure: it sees the file's bytes and where RAM lies, never a machine.
 */
import type { VideoMode } from './video-mode.js';
import type { CpuState } from '../../x86/cpu-state.js';
import { MEBIBYTE } from '../memory-size.js';
import type { MemoryRegion } from '../guest-memory.js';

export const BOOT_KINDS = ['flat', 'mbr', 'linux', 'multiboot', 'multiboot2', 'pvh', 'elf'] as const;
export type BootKind = (typeof BOOT_KINDS)[number];

export const CPU_MODES = ['real', 'protected', 'long'] as const;
/** The mode a flat image starts in, or which of its entries a Linux bzImage is entered by. */
export type StartMode = (typeof CPU_MODES)[number];

/** A file that the boot loader hands to the kernel (`--module "FILE ARGS"`, `--initrd FILE`). */
export interface BootModule {
  /** The whole text, `FILE ARGS`: what the kernel sees as the module's string. */
  readonly text: string;
  readonly bytes: Uint8Array;
}

export interface BootOptions {
  /** The guest file as the user named it; the first word of a Multiboot command line. */
  readonly name: string;
  /** Absolute path of the file, if it is one. */
  readonly path?: string;
  /** RAM, in the order of addresses (`ramLayout`). */
  readonly ram: readonly MemoryRegion[];
  /** Told apart by content when absent. */
  readonly boot?: BootKind;
  readonly commandLine?: string;
  readonly modules?: readonly BootModule[];
  /** Flat images: GPA of the first byte. */
  readonly load?: number;
  /** Flat images: linear address of the first instruction. */
  readonly entry?: bigint;
  readonly mode?: StartMode;
  /** ACPI's RSDP as it lies in memory, where there are tables. */
  readonly rsdp?: MemoryWrite;
  /** Absolute path of an ELF file with the guest's symbols, where that is not the guest file itself. */
  readonly symbols?: string;
}

/** Bytes for guest memory. */
export interface MemoryWrite {
  /** GPA. */
  readonly address: bigint;
  readonly bytes: Uint8Array;
}

/** x86-64 baseline, -v2, -v3, -v4. */
export type IsaLevel = 1 | 2 | 3 | 4;

export interface IsaProperties {
  readonly bits: 32 | 64;
  /** Without it the file does not run. */
  readonly needed?: IsaLevel;
  /** Used somewhere, perhaps after a look at CPUID. */
  readonly used?: IsaLevel;
}

/** Everything that makes a machine start a guest, again at each reset. */
export interface LoadedGuest {
  readonly kind: BootKind;
  readonly writes: readonly MemoryWrite[];
  readonly cpu: CpuState;
  /** Linear address of the first instruction. */
  readonly entry: bigint;
  /** Absolute path of a file with the guest's symbols. */
  readonly executable?: string;
  /** The screen that it asked its boot loader for; text when absent. */
  readonly videoMode?: VideoMode;
  /** It begins in real mode and asks a BIOS, so that the machine must have one. */
  readonly needsBios?: true;
  /** What an ELF file says about the processor it was built for. */
  readonly isa?: IsaProperties;
  /** Sentences a user should read: what was placed where, what was left out. */
  readonly notes: readonly string[];
}

/** A guest that cannot be started. `message` is one sentence that says what is wrong and what to do. */
export class GuestError extends Error {
  override readonly name = 'GuestError';
}

export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

/** `0x100000 to 0x1fffff`. */
export function formatRange(address: number, length: number): string {
  return `${hex(address)} to ${hex(address + length - 1)}`;
}

/** Whether `length` bytes from `address` are RAM. */
export function isRam(ram: readonly MemoryRegion[], address: number, length: number): boolean {
  return ram.some(({ start, size }) => address >= start && address + length <= start + size);
}

/** `0x0 to 0x7ffffff (128 MiB)`, for sentences. */
export function describeRam(ram: readonly MemoryRegion[]): string {
  return ram
    .map(({ start, size }) => formatRange(start, size))
    .join(' and ') + ` (${ram.reduce((sum, region) => sum + region.size, 0) / MEBIBYTE} MiB)`;
}

/** Throws GuestError unless `what` fits into RAM at `address`. */
export function requireRam(ram: readonly MemoryRegion[], what: string, address: number, length: number): void {
  if (isRam(ram, address, length)) return;
  throw new GuestError(`${what} needs memory at ${formatRange(address, length)}, but RAM is ${describeRam(ram)}; give the guest more with --memory or load it elsewhere.`);
}
