/** Makes Linux kernel files for tests, with every field of the setup header open to damage. */
import { HEADER } from '../../../../src/vmm/boot/linux-header.js';

export interface BzImageOptions {
  /** Boot protocol; 2.15 unless given. */
  readonly version?: number;
  /** Sectors of setup code, 4 unless given. */
  readonly sectors?: number;
  /** 16-bit code for offset 0x26c, where the jump at 0x200 leads. */
  readonly setup?: readonly number[];
  /** Protected-mode code from its 32-bit entry on. */
  readonly code32?: readonly number[];
  /** Code for the 64-bit entry, 0x200 further; without it the kernel has none. */
  readonly code64?: readonly number[];
  readonly loadflags?: number;
  readonly code32Start?: number;
  readonly relocatable?: boolean;
  readonly alignment?: number;
  readonly preferredAddress?: bigint;
  readonly initSize?: number;
  readonly initrdAddrMax?: number;
  readonly commandLineSize?: number;
  readonly kernelVersion?: string;
}

const SETUP_CODE = 0x26c;
const VERSION_TEXT = 0x400;

export function bzImage(options: BzImageOptions = {}): Uint8Array {
  const { version = 0x20f, sectors = 4, code32 = [0xf4], code64, kernelVersion = '6.1.0-test (tape)' } = options;
  const setupSize = (sectors + 1) * 512;
  const codeSize = Math.ceil((code64 === undefined ? code32.length : 0x200 + code64.length) / 16) * 16;
  const file = new Uint8Array(setupSize + codeSize);
  const view = new DataView(file.buffer);
  view.setUint8(HEADER.setupSects, sectors);
  view.setUint32(HEADER.syssize, codeSize / 16, true);
  view.setUint16(HEADER.bootFlag, 0xaa55, true);
  view.setUint16(HEADER.jump, 0xeb | ((SETUP_CODE - HEADER.magic) << 8), true);
  view.setUint32(HEADER.magic, 0x5372_6448, true);
  view.setUint16(HEADER.version, version, true);
  view.setUint16(HEADER.kernelVersion, VERSION_TEXT - 0x200, true);
  view.setUint8(HEADER.loadflags, options.loadflags ?? 1);
  view.setUint32(HEADER.code32Start, options.code32Start ?? 0x10_0000, true);
  view.setUint32(HEADER.initrdAddrMax, options.initrdAddrMax ?? 0x7fff_ffff, true);
  view.setUint32(HEADER.kernelAlignment, options.alignment ?? 0x20_0000, true);
  view.setUint8(HEADER.relocatableKernel, options.relocatable === false ? 0 : 1);
  view.setUint16(HEADER.xloadflags, code64 === undefined ? 0 : 1, true);
  view.setUint32(HEADER.cmdlineSize, options.commandLineSize ?? 2047, true);
  view.setBigUint64(HEADER.prefAddress, options.preferredAddress ?? 0x40_0000n, true);
  view.setUint32(HEADER.initSize, options.initSize ?? 0x10_0000, true);
  file.set(options.setup ?? [0xf4], SETUP_CODE);
  if (sectors >= 2) file.set(new TextEncoder().encode(`${kernelVersion}\0`), VERSION_TEXT);
  file.set(code32, setupSize);
  if (code64 !== undefined) file.set(code64, setupSize + 0x200);
  return file;
}
