/** Instructions with random operands for `instruction-access.test.ts`: what each form is, and how one of them is written. */
import type { TestMode } from './guest-under-debug.js';

/** Numbers from a fixed seed (mulberry32), so that a failure comes again. */
export class Random {
  constructor(private state: number) {}

  /** 0 <= result < `limit`, at most 2^32. */
  below(limit: number): number {
    this.state = (this.state + 0x6d2b_79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}

/**
 * What can be said of the bytes that are predicted as written: `stored` all of them are, with values that do not depend
 * on what was there; `some` memory is read and written back, perhaps as it was; `area` holes are left as they were.
 */
export type Writes = 'stored' | 'some' | 'area';

export interface Form {
  readonly name: string;
  /** Hexadecimal; with a mandatory prefix, if there is one. */
  readonly opcode: string;
  /** The reg field of a ModRM byte: a register, or the digit of the manual's `/digit`. Without it there is no ModRM. */
  readonly reg?: 'r' | number;
  /** Bytes of an immediate; `z`: 2 or 4 by the operand size. */
  readonly immediate?: number | 'z';
  readonly writes?: Writes;
  readonly modes?: readonly TestMode[];
  /** Prefixes that may be put before it, besides those of address size and segment. */
  readonly prefixes?: readonly number[];
  /**
   * No REX.W and no segment prefix: KVM's emulator stores 8 bytes for MOV m, sreg with REX.W, and a host without VMX and
   * SVM executes FXSAVE in long mode as if FS and GS had no base; QEMU's TCG stores 136 bytes for FNSAVE with REX.W.
   */
  readonly isPlain?: true;
  /** The operand is found by a bit offset, so that the upper half of a register counts. */
  readonly bitOffset?: true;
}

const OPERAND_SIZE = [0x66];
const REP = [0xf3, 0xf2];
const WIDE_OR_LOCKED = [0x66, 0xf0];
const OLD: readonly TestMode[] = ['real', 'protected'];

/** The opcodes at `opcode` (8 bits) and the one after it (16 and more). */
function pair(name: string, opcode: number, rest: Omit<Form, 'name' | 'opcode'>): Form[] {
  const hex = (value: number): string => value.toString(16).padStart(2, '0');
  return [{ name: `${name} byte`, opcode: hex(opcode), ...rest }, { name, opcode: hex(opcode + 1), prefixes: OPERAND_SIZE, ...rest }];
}

/** With a memory operand written out. */
export const OPERAND_FORMS: readonly Form[] = [
  ...pair('mov m, r', 0x88, { reg: 'r', writes: 'stored' }),
  ...pair('mov r, m', 0x8a, { reg: 'r' }),
  { name: 'mov m, imm8', opcode: 'c6', reg: 0, immediate: 1, writes: 'stored' },
  { name: 'mov m, imm', opcode: 'c7', reg: 0, immediate: 'z', writes: 'stored', prefixes: OPERAND_SIZE },
  ...pair('add m, r', 0x00, { reg: 'r', writes: 'some', prefixes: WIDE_OR_LOCKED }),
  ...pair('or r, m', 0x0a, { reg: 'r' }),
  ...pair('cmp m, r', 0x38, { reg: 'r' }),
  ...pair('test m, r', 0x84, { reg: 'r' }),
  ...pair('xchg m, r', 0x86, { reg: 'r', writes: 'stored' }),
  { name: 'lea', opcode: '8d', reg: 'r', prefixes: OPERAND_SIZE },
  { name: 'mov m, sreg', opcode: '8c', reg: 3, writes: 'stored', prefixes: OPERAND_SIZE, isPlain: true },
  { name: 'pop m', opcode: '8f', reg: 0, writes: 'stored', prefixes: OPERAND_SIZE },
  { name: 'push m', opcode: 'ff', reg: 6, writes: 'stored', prefixes: OPERAND_SIZE },
  { name: 'call m', opcode: 'ff', reg: 2, writes: 'stored', modes: ['real'] },
  { name: 'sub m, imm8', opcode: '83', reg: 5, immediate: 1, writes: 'some', prefixes: WIDE_OR_LOCKED },
  ...pair('not m', 0xf6, { reg: 2, writes: 'some', prefixes: WIDE_OR_LOCKED }),
  ...pair('mul m', 0xf6, { reg: 4 }),
  ...pair('inc m', 0xfe, { reg: 0, writes: 'some', prefixes: WIDE_OR_LOCKED }),
  ...pair('shl m, cl', 0xd2, { reg: 4, writes: 'some' }),
  { name: 'sar m, imm8', opcode: 'c1', reg: 7, immediate: 1, writes: 'some', prefixes: OPERAND_SIZE },
  { name: 'imul r, m, imm', opcode: '69', reg: 'r', immediate: 'z', prefixes: OPERAND_SIZE },
  { name: 'xadd m, r', opcode: '0fc1', reg: 'r', writes: 'some', prefixes: WIDE_OR_LOCKED },
  { name: 'cmpxchg m, r', opcode: '0fb1', reg: 'r', writes: 'some', prefixes: WIDE_OR_LOCKED },
  { name: 'cmpxchg8b', opcode: '0fc7', reg: 1, writes: 'some' },
  { name: 'setnz', opcode: '0f95', reg: 0, writes: 'stored' },
  { name: 'cmovz r, m', opcode: '0f44', reg: 'r', prefixes: OPERAND_SIZE },
  { name: 'movzx r, m8', opcode: '0fb6', reg: 'r', prefixes: OPERAND_SIZE },
  { name: 'movsx r, m16', opcode: '0fbf', reg: 'r' },
  { name: 'bt m, r', opcode: '0fa3', reg: 'r', prefixes: OPERAND_SIZE, bitOffset: true },
  { name: 'bts m, r', opcode: '0fab', reg: 'r', writes: 'some', prefixes: WIDE_OR_LOCKED, bitOffset: true },
  { name: 'btc m, r', opcode: '0fbb', reg: 'r', writes: 'some', prefixes: OPERAND_SIZE, bitOffset: true },
  { name: 'btr m, imm8', opcode: '0fba', reg: 6, immediate: 1, writes: 'some', prefixes: OPERAND_SIZE },
  { name: 'bsf r, m', opcode: '0fbc', reg: 'r', prefixes: OPERAND_SIZE },
  { name: 'shld m, r, imm8', opcode: '0fa4', reg: 'r', immediate: 1, writes: 'some', prefixes: OPERAND_SIZE },
  { name: 'nop m', opcode: '0f1f', reg: 0, prefixes: OPERAND_SIZE },
  { name: 'prefetcht0', opcode: '0f18', reg: 1 },
  { name: 'sgdt', opcode: '0f01', reg: 0, writes: 'stored' },
  { name: 'sidt', opcode: '0f01', reg: 1, writes: 'stored' },
  { name: 'smsw m', opcode: '0f01', reg: 4, writes: 'stored' },
  { name: 'movnti m, r', opcode: '0fc3', reg: 'r', writes: 'stored' },
  { name: 'movbe m, r', opcode: '0f38f1', reg: 'r', writes: 'stored', prefixes: OPERAND_SIZE },
  { name: 'movups m, xmm', opcode: '0f11', reg: 'r', writes: 'stored' },
  { name: 'movups xmm, m', opcode: '0f10', reg: 'r' },
  { name: 'movdqu m, xmm', opcode: 'f30f7f', reg: 'r', writes: 'stored' },
  { name: 'movd m, xmm', opcode: '660f7e', reg: 'r', writes: 'stored' },
  { name: 'addps xmm, m', opcode: '0f58', reg: 'r' },
  { name: 'fld m32', opcode: 'd9', reg: 0 },
  { name: 'fnstcw m', opcode: 'd9', reg: 7, writes: 'stored' },
  { name: 'fist m32', opcode: 'db', reg: 2, writes: 'stored' },
  { name: 'fnsave m', opcode: 'dd', reg: 6, writes: 'area', isPlain: true },
];

/** Whose memory is by the stack pointer, RSI and RDI, or RBX. */
export const IMPLIED_FORMS: readonly Form[] = [
  ...['50', '53', '54', '55'].map((opcode): Form => ({ name: `push ${opcode}`, opcode, writes: 'stored', prefixes: OPERAND_SIZE })),
  ...['58', '5c', '5d'].map((opcode): Form => ({ name: `pop ${opcode}`, opcode, prefixes: OPERAND_SIZE })),
  { name: 'push imm8', opcode: '6a', immediate: 1, writes: 'stored', prefixes: OPERAND_SIZE },
  { name: 'push imm', opcode: '68', immediate: 'z', writes: 'stored', prefixes: OPERAND_SIZE },
  { name: 'pusha', opcode: '60', writes: 'stored', prefixes: OPERAND_SIZE, modes: OLD },
  { name: 'popa', opcode: '61', prefixes: OPERAND_SIZE, modes: OLD },
  { name: 'pushf', opcode: '9c', writes: 'stored', prefixes: OPERAND_SIZE },
  { name: 'push ss', opcode: '16', writes: 'stored', modes: ['real'] },
  { name: 'push fs', opcode: '0fa0', writes: 'stored', modes: ['real', 'long'] },
  { name: 'call rel', opcode: 'e8', immediate: 'z', writes: 'stored', modes: ['protected'] },
  { name: 'ret', opcode: 'c3', modes: OLD },
  { name: 'ret imm16', opcode: 'c2', immediate: 2, modes: OLD },
  { name: 'retf', opcode: 'cb', modes: ['real'] },
  { name: 'call far', opcode: '9a34123412', writes: 'stored', modes: ['real'] },
  { name: 'int 21h', opcode: 'cd21', writes: 'stored', modes: ['real'] },
  // With 66 before it, KVM's emulator pushes as much as the stack is wide and not as the operand size says.
  { name: 'enter n, 0', opcode: 'c8200000', writes: 'stored' },
  { name: 'enter n, 2', opcode: 'c8200002', writes: 'stored' },
  { name: 'leave', opcode: 'c9', prefixes: OPERAND_SIZE },
  ...pair('movs', 0xa4, { writes: 'stored', prefixes: [...REP, ...OPERAND_SIZE] }),
  ...pair('stos', 0xaa, { writes: 'stored', prefixes: [...REP, ...OPERAND_SIZE] }),
  ...pair('lods', 0xac, { prefixes: [...REP, ...OPERAND_SIZE] }),
  ...pair('scas', 0xae, { prefixes: [...REP, ...OPERAND_SIZE] }),
  ...pair('cmps', 0xa6, { prefixes: [...REP, ...OPERAND_SIZE] }),
  { name: 'xlat', opcode: 'd7' },
  { name: 'maskmovdqu', opcode: '660ff7c1', writes: 'area' },
  { name: 'fxsave [rdi]', opcode: '0fae07', writes: 'area', modes: ['protected', 'long'], isPlain: true },
  { name: 'fxsave [bx]', opcode: '0fae07', writes: 'area', modes: ['real'] },
];

export interface Encoded {
  readonly bytes: Uint8Array;
  /** 16, 32 or 64, by mode and prefix. */
  readonly addressBits: number;
}

function hexBytes(hex: string): number[] {
  return (hex.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16));
}

/** One of the form: prefixes, operand and immediate by chance. */
export function encode(form: Form, mode: TestMode, random: Random): Encoded {
  const defaultBits = { real: 16, protected: 32, long: 64 }[mode];
  const bytes: number[] = [];
  // Addresses of 16 bits are the only ones in real mode by far, and never met elsewhere.
  const otherAddressSize = random.below(3) === 0;
  const addressBits = otherAddressSize ? { real: 32, protected: 16, long: 32 }[mode] : defaultBits;
  if (otherAddressSize) bytes.push(0x67);
  if (form.isPlain !== true && random.below(3) === 0) bytes.push(random.pick(mode === 'long' ? [0x64, 0x65] : [0x26, 0x36, 0x3e, 0x64, 0x65]));
  const chosen = (form.prefixes ?? []).filter(() => random.below(2) === 0);
  const prefixes = chosen.filter((prefix) => prefix !== 0xf2 || !chosen.includes(0xf3));
  bytes.push(...prefixes);
  const opcode = hexBytes(form.opcode);
  // A mandatory prefix comes before REX, which is the last of them.
  if ((opcode[0] === 0x66 || opcode[0] === 0xf3) && opcode[1] === 0x0f) bytes.push(...opcode.splice(0, 1));
  const rexW = mode === 'long' && form.isPlain !== true && random.below(3) === 0;
  if (rexW) bytes.push(0x48 | (form.reg === undefined ? 0 : random.below(4)) | (form.reg === 'r' ? random.below(2) << 2 : 0));
  bytes.push(...opcode);
  if (form.reg !== undefined) bytes.push(...modRm(form.reg === 'r' ? random.below(8) : form.reg, addressBits, random));
  const isWord = !rexW && (mode === 'real') !== prefixes.includes(0x66);
  const immediate = form.immediate === 'z' ? (isWord ? 2 : 4) : form.immediate ?? 0;
  return { bytes: Uint8Array.from([...bytes, ...random.bytes(immediate)]), addressBits };
}

/** ModRM, SIB and displacement of a memory operand whose offset is not far from what its registers hold. */
function modRm(reg: number, addressBits: number, random: Random): number[] {
  const small = (least = 0): number[] => [random.below(256), least + random.below(16), 0, 0];
  const mod = random.below(3);
  const rm = random.below(8);
  const bytes = [(mod << 6) | (reg << 3) | rm];
  if (addressBits === 16) {
    if (mod === 0 && rm === 6) return [...bytes, random.below(256), 0x40 + random.below(0x40)];
    return [...bytes, ...random.bytes(mod)];
  }
  // Without a register the offset is the displacement, or counted from RIP: into the window either way.
  const alone = [random.below(256), random.below(256), 1 + random.below(3), 0];
  if (rm === 5 && mod === 0) return [...bytes, ...alone];
  const sib = rm === 4 ? [random.below(256)] : [];
  if (mod === 0) return [...bytes, ...sib, ...(sib.some((byte) => (byte & 7) === 5) ? small(0x40) : [])];
  return [...bytes, ...sib, ...(mod === 1 ? random.bytes(1) : small())];
}
