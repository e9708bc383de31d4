/**
 * What the built-in BIOS does with the interrupts of a PC's hardware, in the guest's own code: the timer's tick, and an
 * end of interrupt for the rest (IBM PC AT Technical Reference, "BIOS listing": INT 08h, 09h and 1Ch).
 */

export interface InterruptHandler {
  readonly vector: number;
  /** Offset in segment F000. */
  readonly offset: number;
  readonly code: readonly number[];
}

/** Ticks of a day, 1193182 / 65536 a second. */
const DAY = 0x18_00b0;
const MASTER_EOI = [0xb0, 0x20, 0xe6, 0x20]; // mov al, 20h; out 20h, al
const SLAVE_EOI = [0xb0, 0x20, 0xe6, 0xa0, 0xe6, 0x20]; // mov al, 20h; out a0h, al; out 20h, al
const PUSH_AX = 0x50, POP_AX = 0x58, PUSH_DS = 0x1e, POP_DS = 0x1f, IRET = 0xcf;

const TICK = [
  PUSH_AX, PUSH_DS,
  0x31, 0xc0, 0x8e, 0xd8, // xor ax, ax; mov ds, ax
  0x66, 0xff, 0x06, 0x6c, 0x04, // inc dword [46Ch]
  0x66, 0x81, 0x3e, 0x6c, 0x04, DAY & 0xff, (DAY >> 8) & 0xff, DAY >> 16, 0, // cmp dword [46Ch], DAY
  0x72, 13, // jb +13
  0x66, 0xc7, 0x06, 0x6c, 0x04, 0, 0, 0, 0, // mov dword [46Ch], 0
  0xfe, 0x06, 0x70, 0x04, // inc byte [470h]: midnight has passed
  0xcd, 0x1c, // int 1Ch, which programs take for themselves
  ...MASTER_EOI, POP_DS, POP_AX, IRET,
];
/** The byte stays in the controller until INT 16h takes it. */
const KEYBOARD = [PUSH_AX, ...MASTER_EOI, POP_AX, IRET];

/** INT 08h is where IBM's BIOS has it, for some programs jump there. */
export const INTERRUPT_HANDLERS: readonly InterruptHandler[] = [
  { vector: 0x08, offset: 0xfea5, code: TICK },
  { vector: 0x09, offset: 0xe987, code: KEYBOARD },
  ...[0x0a, 0x0b, 0x0e, 0x0f].map((vector) => ({ vector, offset: 0xe9a0, code: [PUSH_AX, ...MASTER_EOI, POP_AX, IRET] })),
  ...[0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77].map((vector) => ({ vector, offset: 0xe9b0, code: [PUSH_AX, ...SLAVE_EOI, POP_AX, IRET] })),
];
