/**
 * A Linux bzImage or zImage, started as a boot loader starts it (Linux, Documentation/arch/x86/boot.rst): by its 64-bit
 * entry where it has one, else by its 32-bit entry; with its real-mode setup code when it has neither or that is asked for.
 */
import type { CpuState } from '../../x86/cpu-state.js';
import { GuestError, formatRange, hex, isRam, requireRam, type BootOptions, type LoadedGuest, type MemoryWrite, type StartMode } from './boot-options.js';
import { LINUX_SELECTORS, longMode, protectedMode } from './cpu-modes.js';
import { placeGdt, placePageTables } from './furniture.js';
import { loaderWishes } from './linux-command-line.js';
import { ENTRY_64_OFFSET, formatVersion, isLinux, parseLinuxHeader, type LinuxHeader } from './linux-header.js';
import { BOOT_PARAMS_SIZE, bootParams, type LoaderAnswers } from './linux-params.js';
import { startSetupCode } from './linux-real-mode.js';
import { memoryMap } from './memory-map.js';
import { identityMap } from './page-tables.js';
import { Placement } from './placement.js';

/** Where a bzImage is loaded that cannot be moved, and a zImage. */
const BZIMAGE_LOAD = 0x10_0000, ZIMAGE_LOAD = 0x1_0000;
const ZIMAGE_LARGEST = 0x8_0000;

/** What every way to start a kernel begins with: its header is read, its code has its place. */
interface PlacedKernel {
  /** Protected-mode code. */
  readonly code: MemoryWrite;
  /** Ends in a zero byte. */
  readonly commandLine: Uint8Array;
  /** The kernel takes this GPA for the end of RAM. */
  readonly memoryEnd: number;
  readonly placement: Placement;
  readonly answers: Pick<LoaderAnswers, 'code32Start' | 'vidMode'>;
  readonly notes: string[];
}

/** A kernel that is entered by its real-mode setup code, part by part. */
export interface SetupCodeKernel {
  readonly setup: MemoryWrite;
  readonly kernel: MemoryWrite;
  readonly commandLine: MemoryWrite;
  readonly initrd?: MemoryWrite;
  /** Linear. */
  readonly entry: bigint;
  readonly cpu: CpuState;
  readonly notes: readonly string[];
}

/** Starts a Linux kernel file. Throws GuestError when its header is damaged or something does not fit. */
export function loadLinux(file: Uint8Array, options: BootOptions): LoadedGuest {
  const header = parseLinuxHeader(file, options.name);
  const mode = options.mode ?? ownMode(header);
  requireEntry(header, mode, options.name);
  if (mode === 'real') {
    const { setup, kernel, commandLine, initrd, entry, cpu, notes } = loadBySetupCode(file, options);
    return { kind: 'linux', writes: [kernel, ...(initrd === undefined ? [] : [initrd]), setup, commandLine], notes, entry, cpu, needsBios: true };
  }
  const { placement, code, notes, ...placed } = placeKernel(file, header, options);
  const writes: MemoryWrite[] = [code];
  const initrd = placeInitrd(header, options, placed.memoryEnd, placement, notes);
  if (initrd !== undefined) writes.push(initrd);
  const commandLine = placement.placeLow('the command line', placed.commandLine.length, 16);
  const params = placement.placeLow('the boot parameters', BOOT_PARAMS_SIZE);
  const answers: LoaderAnswers = { ...placed.answers, commandLine, ...initrdAnswer(initrd), ...(options.rsdp !== undefined && { rsdp: options.rsdp.address }) };
  writes.push({ address: BigInt(commandLine), bytes: placed.commandLine });
  writes.push({ address: BigInt(params), bytes: bootParams(file, header, answers, memoryMap(options.ram)) });
  notes.push(`boot parameters are at ${formatRange(params, BOOT_PARAMS_SIZE)}`);
  const gdt = placeGdt(placement, mode === 'long' ? 64 : 32, notes, LINUX_SELECTORS);
  writes.push(gdt.write);
  if (options.symbols !== undefined && header.relocatable && !/(^|\s)nokaslr(\s|$)/.test(options.commandLine ?? '')) {
    notes.push('a kernel with KASLR moves away from its symbols; --append nokaslr keeps it there');
  }
  const regs = { rsi: BigInt(params) };
  if (mode === 'protected') {
    return { kind: 'linux', writes, notes, entry: code.address, cpu: protectedMode(code.address, gdt.address, regs, LINUX_SELECTORS) };
  }
  const tables = placePageTables(placement, identityMap(), notes);
  writes.push(tables.write);
  const entry = code.address + BigInt(ENTRY_64_OFFSET);
  return { kind: 'linux', writes, notes, entry, cpu: longMode(entry, gdt.address, tables.address, regs, LINUX_SELECTORS) };
}

/**
 * Places a kernel for its real-mode entry, whatever others it has; `stays`: where every bzImage may be loaded, from where one that
 * wants to be elsewhere moves itself. Throws GuestError as `loadLinux` does.
 */
export function loadBySetupCode(file: Uint8Array, options: BootOptions, stays = false): SetupCodeKernel {
  const found = parseLinuxHeader(file, options.name);
  const header = stays ? { ...found, relocatable: false } : found;
  const { placement, code, notes, commandLine, memoryEnd, answers } = placeKernel(file, header, options);
  // The setup code has fixed places in low memory, so it comes before the initrd.
  const start = startSetupCode(file, header, options.name, commandLine, placement, notes);
  const initrd = placeInitrd(header, options, memoryEnd, placement, notes);
  return {
    setup: start.setup({ ...answers, ...initrdAnswer(initrd) }), kernel: code, commandLine: start.commandLine, entry: start.entry, cpu: start.cpu, notes,
    ...(initrd !== undefined && { initrd }),
  };
}

function placeKernel(file: Uint8Array, header: LinuxHeader, options: BootOptions): PlacedKernel {
  const commandLine = new TextEncoder().encode(`${options.commandLine ?? ''}\0`);
  if (commandLine.length - 1 > header.commandLineSize) {
    throw new GuestError(`The command line has ${commandLine.length - 1} bytes, and ${options.name} takes at most ${header.commandLineSize}; shorten --append.`);
  }
  const { vidMode, memoryEnd } = loaderWishes(options.commandLine ?? '');
  const placement = new Placement(options.ram);
  const address = placeCode(header, options, placement);
  return {
    commandLine, memoryEnd, placement,
    code: { address: BigInt(address), bytes: file.subarray(header.setupSize, header.setupSize + header.codeSize) },
    answers: { code32Start: address, vidMode },
    notes: [`Linux ${header.kernelVersion ?? 'kernel'} (boot protocol ${formatVersion(header.version)}), loaded at ${formatRange(address, header.codeSize)}`],
  };
}

function initrdAnswer(initrd: MemoryWrite | undefined): Pick<LoaderAnswers, 'initrd'> {
  return initrd === undefined ? {} : { initrd: { start: Number(initrd.address), size: initrd.bytes.length } };
}

/** The highest mode that the kernel can be entered in. */
function ownMode({ has64BitEntry, has32BitEntry }: LinuxHeader): StartMode {
  return has64BitEntry ? 'long' : has32BitEntry ? 'protected' : 'real';
}

/** Whether the file is a kernel whose setup code will ask a BIOS. Throws GuestError when its header is damaged. */
export function asksBios(file: Uint8Array, name: string, mode?: StartMode): boolean {
  return isLinux(file) && (mode ?? ownMode(parseLinuxHeader(file, name))) === 'real';
}

function requireEntry(header: LinuxHeader, mode: StartMode, name: string): void {
  if (mode === 'long' && !header.has64BitEntry) {
    throw new GuestError(`${name} has no 64-bit entry (XLF_KERNEL_64 is clear); leave --mode out.`);
  }
  if (mode === 'protected' && !header.has32BitEntry) {
    throw new GuestError(`${name} has no 32-bit entry (code32_start is 0); leave --mode out.`);
  }
}

/** Takes the memory that the kernel runs in at first; returns the GPA where its protected-mode code goes. */
function placeCode(header: LinuxHeader, { name, ram }: BootOptions, placement: Placement): number {
  const { codeSize, preferredAddress, initSize, alignment } = header;
  const what = `The kernel ${name}`;
  if (!header.loadsHigh) {
    if (codeSize > ZIMAGE_LARGEST) throw new GuestError(`${name} is a zImage of ${codeSize} bytes, more than the 512 KiB that fit below 0x90000; build it as bzImage.`);
    requireRam(ram, what, ZIMAGE_LOAD, codeSize);
    placement.take(what, ZIMAGE_LOAD, codeSize);
    return ZIMAGE_LOAD;
  }
  if (header.relocatable) {
    const size = Math.max(codeSize, initSize);
    const prefers = preferredAddress !== 0 && preferredAddress % alignment === 0 && isRam(ram, preferredAddress, size);
    if (!prefers) return placement.placeHigh(`the kernel ${name}`, size, Math.max(alignment, 4096));
    placement.take(what, preferredAddress, size);
    return preferredAddress;
  }
  // It will move itself to its preferred address; nothing else may lie in between.
  const end = Math.max(BZIMAGE_LOAD + codeSize, initSize === 0 ? 0 : preferredAddress + initSize);
  requireRam(ram, what, BZIMAGE_LOAD, end - BZIMAGE_LOAD);
  placement.take(what, BZIMAGE_LOAD, end - BZIMAGE_LOAD);
  return BZIMAGE_LOAD;
}

/** The initrd files one behind the other, as loaders hand over several, as high as the kernel allows. */
function placeInitrd(
  header: LinuxHeader, { modules = [], name }: BootOptions, memoryEnd: number, placement: Placement, notes: string[],
): MemoryWrite | undefined {
  if (modules.length === 0) return undefined;
  const withWords = modules.find(({ text }) => /\s/.test(text));
  if (withWords !== undefined) {
    throw new GuestError(`${name} is a Linux kernel, whose initrd has no arguments, and "${withWords.text}" has some; put them into --append.`);
  }
  // The kernel looks for the next archive at a multiple of 4.
  const offsets: number[] = [];
  let size = 0;
  for (const { bytes } of modules) {
    size = Math.ceil(size / 4) * 4;
    offsets.push(size);
    size += bytes.length;
  }
  const limit = Math.min(header.initrdAddrMax + 1, memoryEnd);
  const start = placement.placeTop('the initrd', size, limit);
  const bytes = new Uint8Array(size);
  modules.forEach((module, i) => bytes.set(module.bytes, offsets[i]));
  notes.push(`initrd is at ${formatRange(start, size)}${limit < 0x1_0000_0000 ? `, below ${hex(limit)}` : ''}`);
  return { address: BigInt(start), bytes };
}
