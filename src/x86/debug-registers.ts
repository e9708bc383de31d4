/**
 * Debug address, status and control registers (SDM vol. 3, 19.2 "Debug Registers"; APM vol. 2, 13.1).
 */

/** What an enabled debug register watches: execution, data writes, I/O (with CR4.DE), data reads or writes. */
export type DebugRegisterType = 'execute' | 'write' | 'io' | 'access';
export type DebugRegisterLength = 1 | 2 | 4 | 8;

export interface DebugRegisterSlot {
  /** DR number, 0..3. */
  readonly index: number;
  /** Linear address, aligned to `length`. */
  readonly address: bigint;
  readonly type: DebugRegisterType;
  /** Bytes; 1 for `execute`. */
  readonly length: DebugRegisterLength;
}

export const DEBUG_REGISTER_COUNT = 4;

const TYPE_BITS: Record<DebugRegisterType, bigint> = { execute: 0n, write: 1n, io: 2n, access: 3n };
const TYPES: readonly DebugRegisterType[] = ['execute', 'write', 'io', 'access'];
/** LEN is not in order: 10b is 8 bytes. */
const LENGTH_BITS: Record<DebugRegisterLength, bigint> = { 1: 0n, 2: 1n, 4: 3n, 8: 2n };
const LENGTHS: readonly DebugRegisterLength[] = [1, 2, 8, 4];

/** DR7 bit 10 always reads as one. */
const DR7_FIXED = 0x400n;

/**
 * DR7 with each slot globally enabled.
 *
 * @throws Error if a slot number is taken twice or out of range, the address is not aligned to the length, or an
 *   execution breakpoint is longer than one byte (its LEN must be 00).
 */
export function encodeDr7(slots: readonly DebugRegisterSlot[]): bigint {
  let dr7 = DR7_FIXED;
  for (const { index, address, type, length } of slots) {
    if (!Number.isInteger(index) || index < 0 || index >= DEBUG_REGISTER_COUNT) {
      throw new Error(`there is no debug register ${index}: use 0 to 3`);
    }
    const enable = 2n << BigInt(2 * index);
    if ((dr7 & enable) !== 0n) throw new Error(`debug register ${index} is used twice`);
    if (LENGTH_BITS[length] === undefined) {
      throw new Error(`a debug register cannot watch ${String(length)} bytes: use 1, 2, 4 or 8`);
    }
    if (type === 'execute' && length !== 1) throw new Error('an execution breakpoint in a debug register has length 1');
    if (!isAligned(address, length)) {
      throw new Error(`0x${address.toString(16)} is not aligned to ${length} bytes, as a debug register needs`);
    }
    dr7 |= enable | ((TYPE_BITS[type] | (LENGTH_BITS[length] << 2n)) << BigInt(16 + 4 * index));
  }
  return dr7;
}

/** The slots that a DR7 enables, locally or globally, with their addresses from DR0–DR3. */
export function decodeDr7(dr7: bigint, addresses: readonly bigint[]): DebugRegisterSlot[] {
  const control = Number(BigInt.asUintN(32, dr7));
  const slots: DebugRegisterSlot[] = [];
  for (let index = 0; index < DEBUG_REGISTER_COUNT; index++) {
    if (((control >>> (2 * index)) & 3) === 0) continue;
    const field = (control >>> (16 + 4 * index)) & 0xf;
    slots.push({
      index,
      address: addresses[index] ?? 0n,
      type: TYPES[field & 3],
      length: LENGTHS[field >>> 2],
    });
  }
  return slots;
}

/** `address` is a multiple of `length`: what the processor demands of a data breakpoint. */
function isAligned(address: bigint, length: DebugRegisterLength): boolean {
  return (address & BigInt(length - 1)) === 0n;
}

export interface DebugRegisterPiece {
  readonly address: bigint;
  readonly length: DebugRegisterLength;
}

/**
 * Splits `length` bytes at `address` into aligned pieces of 1, 2, 4 or 8 bytes, as few as possible.
 *
 * @returns undefined if more than `available` registers would be needed, or the length is not positive.
 */
export function coverWithDebugRegisters(
  address: bigint, length: number, available = DEBUG_REGISTER_COUNT,
): DebugRegisterPiece[] | undefined {
  if (!Number.isInteger(length) || length <= 0 || length > 8 * available) return undefined;
  const pieces: DebugRegisterPiece[] = [];
  let at = address;
  let left = length;
  while (left > 0) {
    if (pieces.length === available) return undefined;
    const size = ([8, 4, 2, 1] as const).find((candidate) => candidate <= left && isAligned(at, candidate)) ?? 1;
    pieces.push({ address: at, length: size });
    at += BigInt(size);
    left -= size;
  }
  return pieces;
}
