/**
 * What the built-in BIOS leaves in memory: interrupt vectors, the BIOS data area, and for each service a stub in segment
 * F000 that leaves the guest by an OUT, so that the service runs in this program, and returns by IRET.
 */
import type { MemoryWrite } from '../boot/boot-options.js';
import { LOW_MEMORY_END } from '../boot/memory-map.js';
import { fontFor } from '../display/fonts.js';
import { BOOTSTRAP_LOADER } from './bootstrap-loader.js';
import { INTERRUPT_HANDLERS } from './interrupt-handlers.js';

/** The port of the stubs' OUT; nothing else has it on a PC. */
export const TRAP_PORT = 0xee;
/** Interrupt vectors that point at fonts: characters 80h–FFh of 8 rows, and what graphics modes print with. */
export const UPPER_8X8_VECTOR = 0x1f;
export const GRAPHICS_FONT_VECTOR = 0x43;
/** Bytes of `out TRAP_PORT, al`. */
export const TRAP_LENGTH = 2;
/** Bytes of a stub before it. */
const BEFORE_TRAP = 1;

/** The BIOS's segment, and what else is in it. */
export const ROM_SEGMENT = 0xf000;
/** By the rows of a glyph. */
export const FONT_OFFSETS = { 8: 0xa000, 14: 0xb000, 16: 0x9000 } as const;
export const VENDOR_OFFSET = 0xa800;
const VENDOR = 'kvm-gdbserver';
const ROM_START = 0xf_0000;
const STUBS = 0x8000;
const STUB_SIZE = 8;
/** Where the IBM PC's BIOS has an IRET for interrupts that nobody serves. */
const DUMMY_IRET = 0xff53;
const VECTORS = 256;
/** Processor faults, which come back to the instruction that raised them: their stub halts. */
const FAULTS: ReadonlySet<number> = new Set([0x00, 0x05, 0x06, 0x07, 0x0c, 0x0d]);

/** Interrupts come while a service waits. */
const STI = 0xfb;
const OUT_IMM8 = 0xe6;
const IRET = 0xcf;
const NOP = 0x90;
/** 1: cli; hlt; jmp 1b */
const HALT_FOR_EVER = [0xfa, 0xf4, 0xeb, 0xfc];

/** BIOS data area (IBM PC AT Technical Reference, "BIOS data area"). */
const BDA = {
  ebda: 0x40e, equipment: 0x410, memoryKib: 0x413, keyboardHead: 0x41a, keyboardTail: 0x41c,
  videoMode: 0x449, columns: 0x44a, pageSize: 0x44c, cursorShape: 0x460, crtcPort: 0x463,
  hardDisks: 0x475, keyboardStart: 0x480, keyboardEnd: 0x482, lastRow: 0x484, characterHeight: 0x485,
} as const;
const KEYBOARD_BUFFER = 0x1e;
/** 80 × 25 colour, a mouse-less PC with an FPU. */
export const EQUIPMENT = 0x0022;
const CRTC = 0x3d4;

export interface BiosImage {
  readonly writes: readonly MemoryWrite[];
}

/** `services`: vectors whose INT comes to this program. `interrupts`: there are interrupt controllers and a timer. */
export function biosImage(services: readonly number[], hardDisks: number, interrupts: boolean): BiosImage {
  const traps = new Set([...services, ...FAULTS]);
  const vectors = new DataView(new ArrayBuffer(4 * VECTORS));
  const rom = new Uint8Array(0x1_0000);
  for (let vector = 0; vector < VECTORS; vector++) {
    const stub = STUBS + vector * STUB_SIZE;
    if (traps.has(vector)) rom.set([FAULTS.has(vector) ? NOP : STI, OUT_IMM8, TRAP_PORT, ...(FAULTS.has(vector) ? HALT_FOR_EVER : [IRET])], stub);
    vectors.setUint16(4 * vector, traps.has(vector) ? stub : DUMMY_IRET, true);
    vectors.setUint16(4 * vector + 2, ROM_SEGMENT, true);
  }
  rom[DUMMY_IRET] = IRET;
  for (const { vector, offset, code } of [BOOTSTRAP_LOADER, ...interrupts ? INTERRUPT_HANDLERS : []]) {
    rom.set(code, offset);
    vectors.setUint16(4 * vector, offset, true);
  }
  for (const height of [8, 14, 16] as const) rom.set(fontFor(height).glyphs, FONT_OFFSETS[height]);
  rom.set(new TextEncoder().encode(VENDOR), VENDOR_OFFSET);
  vectors.setUint16(4 * UPPER_8X8_VECTOR, FONT_OFFSETS[8] + 8 * 128, true);
  vectors.setUint16(4 * GRAPHICS_FONT_VECTOR, FONT_OFFSETS[16], true);
  return {
    writes: [
      { address: 0n, bytes: new Uint8Array(vectors.buffer) },
      ...dataArea(hardDisks),
      { address: BigInt(ROM_START), bytes: rom },
    ],
  };
}

/** The vector whose stub's OUT the guest has just executed; undefined when it stands elsewhere. */
export function vectorAt(linearPc: bigint): number | undefined {
  const offset = Number(linearPc) - ROM_START - STUBS - BEFORE_TRAP - TRAP_LENGTH;
  if (offset < 0 || offset >= VECTORS * STUB_SIZE || offset % STUB_SIZE !== 0) return undefined;
  return offset / STUB_SIZE;
}

export function isFault(vector: number): boolean {
  return FAULTS.has(vector);
}

function dataArea(hardDisks: number): MemoryWrite[] {
  const word = (address: number, value: number): MemoryWrite => ({ address: BigInt(address), bytes: Uint8Array.of(value & 0xff, value >> 8) });
  return [
    word(BDA.ebda, LOW_MEMORY_END >> 4), word(BDA.equipment, EQUIPMENT), word(BDA.memoryKib, LOW_MEMORY_END / 1024),
    word(BDA.keyboardHead, KEYBOARD_BUFFER), word(BDA.keyboardTail, KEYBOARD_BUFFER),
    word(BDA.keyboardStart, KEYBOARD_BUFFER), word(BDA.keyboardEnd, KEYBOARD_BUFFER + 0x20),
    word(BDA.columns, 80), word(BDA.pageSize, 0x1000), word(BDA.cursorShape, 0x0607), word(BDA.crtcPort, CRTC),
    { address: BigInt(BDA.videoMode), bytes: Uint8Array.of(3) },
    { address: BigInt(BDA.hardDisks), bytes: Uint8Array.of(hardDisks) },
    { address: BigInt(BDA.lastRow), bytes: Uint8Array.of(24) },
    { address: BigInt(BDA.characterHeight), bytes: Uint8Array.of(16) },
  ];
}
