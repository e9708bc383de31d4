/**
 * INT 19h in the guest's own code: reads the first sector of the first hard disk by INT 13h, which a program may have taken for itself, and
 * jumps there; memory and the other vectors stay (IBM PC AT Technical Reference, "BIOS listing": BOOT_STRAP; BIOS Boot Specification 1.01, 6.5.1).
 */
import type { InterruptHandler } from './interrupt-handlers.js';

export const BOOTSTRAP_LOADER: InterruptHandler = {
  vector: 0x19,
  /** Where IBM's BIOS has it. */
  offset: 0xe6f2,
  code: [
    0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, // cli; xor ax, ax; ds, es and ss from it
    0xbc, 0x00, 0x7c, 0xfb, // mov sp, 7c00h; sti
    0xb8, 0x01, 0x02, 0xbb, 0x00, 0x7c, // mov ax, 0201h; mov bx, 7c00h
    0xb9, 0x01, 0x00, 0xba, 0x80, 0x00, // mov cx, 1; mov dx, 80h
    0xcd, 0x13, 0x72, 13, // int 13h; jc to the end
    0x81, 0x3e, 0xfe, 0x7d, 0x55, 0xaa, 0x75, 5, // cmp word [7dfeh], aa55h; jne to the end
    0xea, 0x00, 0x7c, 0x00, 0x00, // jmp 0000:7c00
    0xcd, 0x18, 0xf4, 0xeb, 0xfd, // the end: int 18h; 1: hlt; jmp 1b
  ],
};
