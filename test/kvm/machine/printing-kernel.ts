/** A Linux kernel of a few bytes: prints its command line, its initrd and the number of memory map entries, from each entry. */
import { bzImage } from '../../unit/vmm/boot/bzimage.js';

/** The same bytes in 32- and 64-bit code; ESI has the boot parameters, and there is no stack. */
const PRINT = [
  0x89, 0xf3, // mov ebx, esi
  0x66, 0xba, 0xf8, 0x03, // mov dx, 0x3f8
  0x8b, 0xb3, 0x28, 0x02, 0, 0, // mov esi, [rbx + cmd_line_ptr]
  0xac, 0x84, 0xc0, 0x74, 0x03, 0xee, 0xeb, 0xf8, // 1: lodsb; test al, al; jz 2f; out dx, al; jmp 1b; 2:
  0x8b, 0xb3, 0x18, 0x02, 0, 0, // mov esi, [rbx + ramdisk_image]
  0x8b, 0x8b, 0x1c, 0x02, 0, 0, // mov ecx, [rbx + ramdisk_size]
  0xf3, 0x6e, // rep outsb
  0x8a, 0x83, 0xe8, 0x01, 0, 0, 0x04, 0x30, 0xee, // mov al, [rbx + e820_entries]; add al, '0'; out dx, al
];
const exit = (value: number): number[] => [0xb0, value, 0xe6, 0xf4, 0xf4];
/** mov eax, 0x18 (__BOOT_DS); mov ds, eax: the setup code below leaves that to the kernel. */
const CODE32 = [0xb8, 0x18, 0, 0, 0, 0x8e, 0xd8, ...PRINT, ...exit(32)];
export const CODE64 = [...PRINT, ...exit(64)];

/** 16-bit code at offset 0x26c: prints the command line, and enters protected mode at code32_start as Linux does. */
const SETUP = [
  0xba, 0xf8, 0x03, // mov dx, 0x3f8
  0xb0, 0x52, 0xee, // mov al, 'R'; out dx, al
  0x66, 0xa1, 0x14, 0x02, 0x66, 0xa3, 0xf8, 0x02, // mov eax, [code32_start]; mov [0x2f8], eax
  0x66, 0x31, 0xf6, 0x8c, 0xde, 0x66, 0xc1, 0xe6, 0x04, // xor esi, esi; mov si, ds; shl esi, 4
  0x0f, 0x01, 0x16, 0xf0, 0x02, // lgdt [0x2f0]
  0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0, // mov eax, cr0; or al, 1; mov cr0, eax
  0x66, 0xff, 0x2e, 0xf8, 0x02, // ljmpl [0x2f8]
];
const FLAT_CODE = [0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0], FLAT_DATA = [0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0];

/** The tables lie behind the setup code, in the segment that a loader puts at 0x10000 or 0x90000. */
export function kernel(options: Parameters<typeof bzImage>[0], segment = 0x1000): Uint8Array {
  const file = bzImage({ code32: CODE32, setup: SETUP, ...options });
  const gdt = (segment << 4) + 0x300;
  file.set([0x1f, 0, gdt & 0xff, (gdt >> 8) & 0xff, gdt >> 16, 0], 0x2f0);
  file.set([0x10, 0], 0x2fc);
  file.set([...FLAT_CODE, ...FLAT_DATA], 0x310);
  return file;
}
