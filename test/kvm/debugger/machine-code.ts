/** Single instructions in all three modes, for guests that are made of bytes. */
import type { TestMode } from './guest-under-debug.js';

export const NOP = 0x90;
export const HLT = 0xf4;
export const MODES: readonly TestMode[] = ['real', 'protected', 'long'];

/** Register numbers in ModRM and in opcodes such as B8+r (SDM vol. 2, table 2-2). */
export const REGISTER = { ax: 0, cx: 1, dx: 2, bx: 3, sp: 4, bp: 5, si: 6, di: 7 } as const;

/** `value` in `size` bytes, the lowest first; negative values as in two's complement. */
export function le(value: number, size: number): number[] {
  return Array.from({ length: size }, (_, i) => (i < 4 ? value >> (8 * i) : value < 0 ? -1 : 0) & 0xff);
}

/** Bytes of a displacement, an absolute address and an immediate without a prefix: those of the mode's operand size. */
export function wordSize(mode: TestMode): 2 | 4 {
  return mode === 'real' ? 2 : 4;
}

/** Bytes that a near CALL pushes. */
export function stackSlot(mode: TestMode): 2 | 4 | 8 {
  return mode === 'real' ? 2 : mode === 'protected' ? 4 : 8;
}

/** An instruction with a memory operand at an absolute address: opcode, the reg field of ModRM, and what follows. */
export function absolute(mode: TestMode, opcode: readonly number[], reg: number, address: number, immediate: readonly number[] = []): number[] {
  const modrm = mode === 'real' ? [reg << 3 | 6, ...le(address, 2)] : mode === 'protected' ? [reg << 3 | 5, ...le(address, 4)] : [reg << 3 | 4, 0x25, ...le(address, 4)];
  return [...opcode, ...modrm, ...immediate];
}

/** mov byte [address], 5a */
export function store(mode: TestMode, address: number, value = 0x5a): number[] {
  return absolute(mode, [0xc6], 0, address, [value]);
}

/** mov r, value: of 16 bits in real mode, else of 32. */
export function load(mode: TestMode, register: number, value: number): number[] {
  return [0xb8 | register, ...le(value, wordSize(mode))];
}

/** jmp, call or a near jcc to an offset from the same start; `opcode` without its displacement. */
export function branch(mode: TestMode, opcode: readonly number[], from: number, to: number): number[] {
  const end = from + opcode.length + wordSize(mode);
  return [...opcode, ...le(to - end, wordSize(mode))];
}

/** out 0f4h, al with al = 3: the machine ends with status 7 (isa-debug-exit). */
export const EXIT = [0xb0, 0x03, 0xe6, 0xf4];
