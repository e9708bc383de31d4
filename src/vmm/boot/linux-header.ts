/**
 * The setup header of a Linux bzImage (Linux, Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header"). Nothing
 * in it is trusted: every size and offset is checked against the file.
 */
import { GuestError, hex } from './boot-options.js';

/** Offsets in the file and, equally, in `struct boot_params` (asm/bootparam.h). */
export const HEADER = {
  start: 0x1f1, setupSects: 0x1f1, syssize: 0x1f4, vidMode: 0x1fa, bootFlag: 0x1fe, jump: 0x200, magic: 0x202, version: 0x206,
  kernelVersion: 0x20e, typeOfLoader: 0x210, loadflags: 0x211, code32Start: 0x214, ramdiskImage: 0x218, ramdiskSize: 0x21c,
  heapEndPtr: 0x224, cmdLinePtr: 0x228, initrdAddrMax: 0x22c, kernelAlignment: 0x230, relocatableKernel: 0x234,
  xloadflags: 0x236, cmdlineSize: 0x238, prefAddress: 0x258, initSize: 0x260,
} as const;

/** Where the hole for the header in `struct boot_params` ends. */
export const HEADER_LIMIT = 0x290;
/** The 64-bit entry lies this far behind the start of the protected-mode code. */
export const ENTRY_64_OFFSET = 0x200;
export const LOADED_HIGH = 1 << 0, CAN_USE_HEAP = 1 << 7;

const SECTOR = 512;
const BOOT_FLAG = 0xaa55, MAGIC = 0x5372_6448, SHORT_JUMP = 0xeb;
const XLF_KERNEL_64 = 1 << 0;
const OLDEST = 0x0206;
/** From which version on the header reaches at least this far. */
const REACH: readonly (readonly [version: number, end: number])[] =
  [[0x20f, 0x26c], [0x20b, 0x268], [0x20a, 0x264], [0x209, 0x258], [0x208, 0x250], [0x207, 0x248], [OLDEST, 0x23c]];

export interface LinuxHeader {
  /** `(major << 8) | minor` of the boot protocol. */
  readonly version: number;
  /** What the kernel calls itself, `6.1.0 (...)`. */
  readonly kernelVersion?: string;
  /** Bytes of boot sector and setup code, from the start of the file. */
  readonly setupSize: number;
  /** Bytes of protected-mode code behind them. */
  readonly codeSize: number;
  /** Offset in the file where the header ends; at most `HEADER_LIMIT`. */
  readonly end: number;
  /** bzImage (loaded at 1 MiB); else zImage (at 0x10000). */
  readonly loadsHigh: boolean;
  readonly relocatable: boolean;
  /** In bytes, a power of two; of a relocatable kernel. */
  readonly alignment: number;
  /** GPA; 0 when the header names none. */
  readonly preferredAddress: number;
  /** Bytes from the run-time start that the kernel needs at first; 0 when the header does not say. */
  readonly initSize: number;
  readonly has64BitEntry: boolean;
  /** False where the header names no address for it: such an image (iPXE's) can only be entered by its setup code. */
  readonly has32BitEntry: boolean;
  /** The highest GPA that an initrd may occupy. */
  readonly initrdAddrMax: number;
  /** Longest command line in bytes, without its zero byte. */
  readonly commandLineSize: number;
}

/** Whether the file says it follows the protocol: "HdrS" at 0x202. */
export function isLinux(file: Uint8Array): boolean {
  return file.length >= HEADER.version && viewOf(file).getUint32(HEADER.magic, true) === MAGIC;
}

/** Reads and checks the header. Throws GuestError with one sentence; `name` is what it calls the file. */
export function parseLinuxHeader(file: Uint8Array, name: string): LinuxHeader {
  if (!isLinux(file)) throw new GuestError(`${name} is no Linux kernel: it has no "HdrS" at offset 0x202; leave --boot out.`);
  const view = viewOf(file);
  const bootFlag = view.getUint16(HEADER.bootFlag, true);
  if (bootFlag !== BOOT_FLAG) throw damaged(name, `its boot sector ends with ${hex(bootFlag)} instead of 0xaa55`);
  if (file.length < HEADER.version + 2) throw truncated(name, 'the setup header', HEADER.version + 2, file.length);
  const version = view.getUint16(HEADER.version, true);
  const reach = REACH.find(([from]) => version >= from)?.[1];
  if (reach === undefined) {
    throw new GuestError(`${name} follows boot protocol ${formatVersion(version)}, and kernels are started from 2.06 (Linux 2.6.22) on.`);
  }
  if (file.length < reach) throw truncated(name, 'the setup header', reach, file.length);
  const jump = view.getUint8(HEADER.jump);
  // The jump over the header says where it ends.
  const end = HEADER.magic + view.getUint8(HEADER.jump + 1);
  if (jump !== SHORT_JUMP) throw damaged(name, `the jump at 0x200 is ${hex(jump)} instead of 0xeb`);
  if (end < reach) throw damaged(name, `its setup header ends at ${hex(end)}, and that of protocol ${formatVersion(version)} reaches ${hex(reach)}`);

  // 0 stands for 4, from before the field existed.
  const sectors = view.getUint8(HEADER.setupSects) || 4;
  const setupSize = (sectors + 1) * SECTOR;
  if (file.length < setupSize) throw truncated(name, `the setup code (${sectors} sectors)`, setupSize, file.length);
  const codeSize = view.getUint32(HEADER.syssize, true) * 16;
  if (codeSize === 0) throw damaged(name, 'it has no protected-mode code (syssize is 0)');
  // The size is in paragraphs of 16 bytes, the last of which need not be whole.
  if (file.length < setupSize + codeSize - 15) throw truncated(name, 'the protected-mode code', setupSize + codeSize, file.length);

  const has = (since: number): boolean => version >= since;
  const has64BitEntry = has(0x20c) && (view.getUint16(HEADER.xloadflags, true) & XLF_KERNEL_64) !== 0;
  if (has64BitEntry && codeSize <= ENTRY_64_OFFSET) throw damaged(name, `its ${codeSize} bytes of code end before its 64-bit entry`);
  const relocatable = view.getUint8(HEADER.relocatableKernel) !== 0;
  const alignment = view.getUint32(HEADER.kernelAlignment, true);
  if (relocatable && (alignment === 0 || (alignment & (alignment - 1)) !== 0)) {
    throw damaged(name, `its alignment ${hex(alignment)} is not a power of two`);
  }
  const kernelVersion = readKernelVersion(file, view.getUint16(HEADER.kernelVersion, true), sectors);
  return {
    version, setupSize, codeSize: Math.min(codeSize, file.length - setupSize), relocatable, alignment, has64BitEntry,
    has32BitEntry: view.getUint32(HEADER.code32Start, true) !== 0,
    end: Math.min(end, HEADER_LIMIT, file.length),
    loadsHigh: (view.getUint8(HEADER.loadflags) & LOADED_HIGH) !== 0,
    preferredAddress: has(0x20a) ? toAddress(view.getBigUint64(HEADER.prefAddress, true)) : 0,
    initSize: has(0x20a) ? view.getUint32(HEADER.initSize, true) : 0,
    initrdAddrMax: view.getUint32(HEADER.initrdAddrMax, true),
    commandLineSize: view.getUint32(HEADER.cmdlineSize, true),
    ...(kernelVersion !== undefined && { kernelVersion }),
  };
}

/** `2.15`. */
export function formatVersion(version: number): string {
  return `${version >> 8}.${String(version & 0xff).padStart(2, '0')}`;
}

/** The pointer is less 0x200 and valid only inside the setup code; what is not plain text is left out. */
function readKernelVersion(file: Uint8Array, pointer: number, sectors: number): string | undefined {
  if (pointer === 0 || pointer >= sectors * SECTOR) return undefined;
  const start = pointer + SECTOR;
  const text = String.fromCharCode(...file.subarray(start, start + 128)).split('\0', 1)[0];
  return /^[\x20-\x7e]+$/.test(text) ? text : undefined;
}

/** Addresses past 2^53 are beyond any machine. */
function toAddress(value: bigint): number {
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}

function viewOf(file: Uint8Array): DataView {
  return new DataView(file.buffer, file.byteOffset, file.length);
}

function truncated(name: string, what: string, needed: number, length: number): GuestError {
  return new GuestError(`${name} is truncated: ${what} should reach byte ${needed}, and the file has ${length}; build or copy it again.`);
}

function damaged(name: string, what: string): GuestError {
  return new GuestError(`${name} is a damaged Linux kernel: ${what}; build or copy it again.`);
}
