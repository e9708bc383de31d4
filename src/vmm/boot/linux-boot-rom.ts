/**
 * An option ROM that boots a Linux kernel out of fw_cfg, as the one does that QEMU gives SeaBIOS for `-kernel`: a
 * bootstrap entry vector (Plug and Play BIOS Specification 1.0A, 3.2 and 3.3) that lets fw_cfg's DMA (QEMU
 * docs/specs/fw_cfg.rst) put each part to its place, and enters the setup code.
 */
import type { CpuState } from '../../x86/cpu-state.js';
import { MEBIBYTE } from '../memory-size.js';
import type { MemoryWrite } from './boot-options.js';
import { KERNEL_ITEMS, type FirmwareConfig, type KernelItem } from '../devices/fw-cfg-items.js';

/** What SeaBIOS runs of fw_cfg's files lies in this folder. */
export const LINUX_BOOT_ROM = 'genroms/kvm-gdbserver-linux.bin';

const BLOCK = 512;
const PNP_HEADER = 0x20, CODE = 0x40, NAME = 0xa0;
/** The descriptors of its transfers. */
export const TABLE = 0xb0;
/** Bytes of a DMA descriptor, and where in low memory one is put, above the stack. */
const DESCRIPTOR = 16, SCRATCH = 0x7c00, STACK = 0x7c00;
const DMA_READ = 0x02, DMA_SELECT = 0x08;
const TITLE = 'Linux kernel';
/** Bytes of a transfer at most: each is one exit, and between two the server has an ear for its client. */
export const MOST_BYTES = 8 * MEBIBYTE;

/** A ROM for these parts, which starts with the registers of real-mode state `cpu`. */
export function linuxBootRom(parts: NonNullable<FirmwareConfig['kernel']>, { regs, sregs }: CpuState): Uint8Array {
  const items = (Object.keys(parts) as KernelItem[]).flatMap((item) => {
    const part = parts[item];
    return part === undefined ? [] : transfers(KERNEL_ITEMS[item].data, part);
  });
  const rom = new Uint8Array(Math.ceil((TABLE + items.length * DESCRIPTOR + 1) / BLOCK) * BLOCK);
  const view = new DataView(rom.buffer);
  rom.set([0x55, 0xaa, rom.length / BLOCK, 0xcb]); // retf: there is no hardware to set up
  view.setUint16(0x1a, PNP_HEADER, true);
  rom.set(pnpHeader(), PNP_HEADER);
  rom.set(loader(items.length, sregs.ss.selector, Number(regs.rsp), sregs.cs.selector, Number(regs.rip)), CODE);
  items.forEach(({ control, length, address }, i) => {
    view.setUint32(TABLE + i * DESCRIPTOR, control);
    view.setUint32(TABLE + i * DESCRIPTOR + 4, length);
    view.setBigUint64(TABLE + i * DESCRIPTOR + 8, address);
  });
  rom.set(new TextEncoder().encode(`${TITLE}\0`), NAME);
  rom[rom.length - 1] = checksum(rom);
  return rom;
}

interface Transfer {
  readonly control: number;
  readonly length: number;
  readonly address: bigint;
}

/** An item piece by piece: the first selects it, the next go on in it. */
function transfers(selector: number, { address, bytes }: MemoryWrite): Transfer[] {
  return Array.from({ length: Math.ceil(bytes.length / MOST_BYTES) }, (_, i) => ({
    control: i === 0 ? ((selector << 16) | DMA_SELECT | DMA_READ) >>> 0 : DMA_READ,
    length: Math.min(MOST_BYTES, bytes.length - i * MOST_BYTES),
    address: address + BigInt(i * MOST_BYTES),
  }));
}

/** Boots by its bootstrap entry vector and serves no device. */
function pnpHeader(): Uint8Array {
  const header = new Uint8Array(32);
  const view = new DataView(header.buffer);
  header.set(new TextEncoder().encode('$PnP'));
  header.set([1, header.length / 16], 4); // revision, length
  view.setUint16(0x10, NAME, true); // product name
  view.setUint16(0x1a, CODE, true);
  header[9] = checksum(header);
  return header;
}

function loader(count: number, segment: number, stack: number, cs: number, ip: number): readonly number[] {
  const word = (value: number): number[] => [value & 0xff, value >> 8];
  return [
    0xfa, 0xfc, 0x31, 0xc0, 0x8e, 0xd0, 0xbc, ...word(STACK), 0xfb, // cli; cld; xor ax, ax; mov ss, ax; mov sp, STACK; sti
    0x8e, 0xc0, 0x0e, 0x1f, // mov es, ax; push cs; pop ds
    0xbe, ...word(TABLE), 0xbb, ...word(count), // mov si, TABLE; mov bx, count
    // next:
    0xbf, ...word(SCRATCH), 0xb9, ...word(DESCRIPTOR / 2), 0xf3, 0xa5, // mov di, SCRATCH; mov cx, 8; rep movsw
    0xba, 0x14, 0x05, 0x66, 0x31, 0xc0, 0x66, 0xef, // mov dx, 0x514; xor eax, eax; out dx, eax: the descriptor's address, high
    0xb2, 0x18, 0x66, 0xb8, 0, 0, SCRATCH >> 8, SCRATCH & 0xff, 0x66, 0xef, // mov dl, 0x18; mov eax, SCRATCH in big endian; out dx, eax
    // wait: the device clears the control word; bit 0 of its last byte stays for an error
    0x26, 0x66, 0xa1, ...word(SCRATCH), // mov eax, es:[SCRATCH]
    0x66, 0x3d, 0, 0, 0, 1, 0x74, 0x1e, // cmp eax, 0x1000000; je failed
    0x66, 0x85, 0xc0, 0x75, 0xee, // test eax, eax; jnz wait
    0x4b, 0x75, 0xd1, // dec bx; jnz next
    0xfa, 0xb8, ...word(segment), // cli; mov ax, segment
    0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xe0, 0x8e, 0xe8, 0x8e, 0xd0, // mov ds, es, fs, gs, ss
    0xbc, ...word(stack), 0xea, ...word(ip), ...word(cs), // mov sp, stack; ljmp cs:ip
    // failed:
    0xcd, 0x18, // int 18h: the next boot device
  ];
}

/** The byte that makes the sum of all of them 0. */
function checksum(bytes: Uint8Array): number {
  return -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
}
