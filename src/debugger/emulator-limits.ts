/**
 * What kind of instruction KVM's instruction emulator gave up at, by its opcode (SDM vol. 2, appendix A), for a sentence.
 * A software KVM runs all kernel code in that emulator; a KVM with VMX or SVM enters it only for device memory and the like.
 */

/** Operand size, address size, LOCK, REPNE, REP, segments. */
const PREFIXES: ReadonlySet<number> = new Set([0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65]);

const ONE_BYTE: ReadonlyMap<number, string> = new Map([
  [0x9b, 'x87 (FWAIT)'], [0xcc, 'INT3'], [0xcd, 'INT n in protected or long mode'], [0xce, 'INTO'], [0xcf, 'IRET in 32-bit protected mode'],
  [0xf1, 'INT1'], [0xc4, 'AVX'], [0xc5, 'AVX'],
]);
/** Behind 0F. */
const TWO_BYTES: ReadonlyMap<number, string> = new Map([
  [0x02, 'LAR'], [0x03, 'LSL'], [0x0b, 'UD2'], [0x78, 'VMX'], [0x79, 'VMX'], [0xb8, 'POPCNT'], [0xbc, 'TZCNT'], [0xbd, 'LZCNT'],
]);
/** Behind 0F: first, last, what they are. */
const TWO_BYTE_RANGES: readonly (readonly [first: number, last: number, kind: string])[] = [
  [0x10, 0x17, 'SSE'], [0x28, 0x2f, 'SSE'], [0x38, 0x38, 'SSSE3, SSE4 or later'], [0x3a, 0x3a, 'SSSE3, SSE4 or later'], [0x50, 0x5f, 'SSE'],
  [0x60, 0x77, 'MMX or SSE'], [0x7c, 0x7f, 'MMX or SSE'], [0xc2, 0xc2, 'SSE'], [0xc4, 0xc6, 'SSE'], [0xd0, 0xfe, 'MMX or SSE'],
];

/** `x87`, `SSE`, `INT n in ...`; undefined for one that no table here has. `bytes` begins with the instruction. */
export function instructionKind(bytes: Uint8Array): string | undefined {
  let at = 0;
  while (at < bytes.length && PREFIXES.has(bytes[at])) at++;
  // A REX prefix; in 32-bit code these are INC and DEC, at which no emulator fails.
  if (at < bytes.length && (bytes[at] & 0xf0) === 0x40) at++;
  const opcode = bytes[at];
  if (opcode === undefined) return undefined;
  if (opcode >= 0xd8 && opcode <= 0xdf) return 'x87';
  // 62 is BOUND in 32-bit code unless two bits are set that make its operand a register.
  if (opcode === 0x62) return (bytes[at + 1] ?? 0) >= 0xc0 ? 'AVX-512' : 'BOUND or AVX-512';
  if (opcode !== 0x0f) return ONE_BYTE.get(opcode);
  const second = bytes[at + 1];
  if (second === undefined) return undefined;
  if (second === 0x01) return groupSeven(bytes[at + 2]);
  if (second === 0x38 && (bytes[at + 2] & 0xfe) === 0xf0) return bytes.subarray(0, at).includes(0xf2) ? 'CRC32' : 'MOVBE';
  if (second === 0xc7) return (bytes[at + 2] ?? 0) >= 0xf0 ? 'RDRAND, RDSEED or RDPID' : undefined;
  return TWO_BYTES.get(second) ?? TWO_BYTE_RANGES.find(([first, last]) => second >= first && second <= last)?.[2];
}

/** 0F 01 with a register operand. */
function groupSeven(operand: number | undefined): string | undefined {
  switch (operand) {
    case 0xc1: case 0xd9: return 'a hypercall';
    case 0xca: case 0xcb: return 'CLAC or STAC';
    case 0xd0: case 0xd1: return 'XGETBV or XSETBV';
    case 0xf9: return 'RDTSCP';
    default: return undefined;
  }
}
