/**
 * Linear to guest-physical, by our own walk of the guest's page tables: KVM_TRANSLATE sets Accessed bits in them,
 * gives no permissions and accepts non-canonical addresses. Nothing here writes, and A and D bits are left alone.
 *
 * Every entry is read as two dwords and kept as numbers; the walk is on the path of each memory packet, and bigint
 * arithmetic would be most of its cost.
 */
import {
  pagingFormat, type PagingFormat, type PagingLevel, type PagingState, type PhysicalReader,
} from './paging-format.js';

export { pagingFormat } from './paging-format.js';
export type { PagingFormat, PagingKind, PagingState, PhysicalReader } from './paging-format.js';

/** Where a linear address leads. Permissions are those of all levels together (SDM vol. 3, 5.6). */
export interface Translation {
  readonly mapped: true;
  /** Guest-physical address in bytes, below 2^52. */
  readonly gpa: number;
  /** Bytes of the page: 4 KiB, 2 MiB, 4 MiB or 1 GiB; 4 KiB without paging. */
  readonly pageSize: number;
  readonly writable: boolean;
  /** Reachable at CPL 3. */
  readonly user: boolean;
  readonly executable: boolean;
}

/** Why a linear address leads nowhere. */
export interface PageFault {
  readonly mapped: false;
  readonly linear: bigint;
  readonly reason: 'not-present' | 'reserved-bits' | 'non-canonical' | 'table-outside-memory';
  /** The entry that ended the walk; absent for `non-canonical`. */
  readonly entryName?: PagingLevel['entryName'];
  /** Guest-physical address of that entry. */
  readonly entryGpa?: number;
}

const TWO32 = 0x1_0000_0000;
const PRESENT = 1;
const WRITABLE = 1 << 1;
const USER = 1 << 2;
const PAGE_SIZE = 1 << 7;

const UNPAGED = { mapped: true, pageSize: 4096, writable: true, user: true, executable: true } as const;

/** A failed check of one entry. */
function fault(
  linear: bigint, reason: PageFault['reason'], level: PagingLevel, entryGpa: number,
): PageFault {
  return { mapped: false, linear, reason, entryName: level.entryName, entryGpa };
}

/** True if bits 63..`bits`-1 of the address given as two dwords are all equal (SDM vol. 1, 3.3.7.1). */
function isCanonical(high: number, bits: number): boolean {
  const top = (high | 0) >> (bits - 33);
  return top === 0 || top === -1;
}

/** Low 20 bits of the high dword and the low dword, as an address. */
function address(high: number, low: number, mask: number): number {
  return (high & 0xf_ffff) * TWO32 + ((low & mask) >>> 0);
}

/**
 * Translates one linear address. Without 64-bit mode the address is taken modulo 2^32.
 *
 * @param paging control registers, or a format made from them with `pagingFormat` when many addresses are translated.
 * @param visit gets the guest-physical address of every table entry that is read.
 */
export function translate(
  paging: PagingState | PagingFormat, linear: bigint, memory: PhysicalReader, visit?: (entryGpa: number) => void,
): Translation | PageFault {
  const format = 'levels' in paging ? paging : pagingFormat(paging);
  const low = Number(BigInt.asUintN(32, linear));
  if (format.levels.length === 0) return { gpa: low, ...UNPAGED };
  const high = format.linearBits === 32 ? 0 : Number(BigInt.asUintN(32, linear >> 32n));
  if (format.linearBits !== 32 && !isCanonical(high, format.linearBits)) {
    return { mapped: false, linear, reason: 'non-canonical' };
  }
  let table = format.root;
  let allowed = WRITABLE | USER;
  let executable = true;
  for (const level of format.levels) {
    const index = indexOf(level, high, low);
    const entryGpa = table + index * format.entryBytes;
    visit?.(entryGpa);
    let entryLow: number | undefined;
    let entryHigh: number | undefined = 0;
    if (format.pdptes !== undefined && level.entryName === 'PDPTE') {
      entryLow = Number(BigInt.asUintN(32, format.pdptes[index] ?? 0n));
      entryHigh = Number(BigInt.asUintN(32, (format.pdptes[index] ?? 0n) >> 32n));
    } else {
      entryLow = memory.read32(entryGpa);
      if (format.entryBytes === 8) entryHigh = memory.read32(entryGpa + 4);
    }
    if (entryLow === undefined || entryHigh === undefined) return fault(linear, 'table-outside-memory', level, entryGpa);
    if ((entryLow & PRESENT) === 0) return fault(linear, 'not-present', level, entryGpa);
    if ((entryLow & level.reservedLow) !== 0 || (entryHigh & level.reservedHigh) !== 0) {
      return fault(linear, 'reserved-bits', level, entryGpa);
    }
    if (level.hasPermissions) {
      allowed &= entryLow;
      if (entryHigh >= 0x8000_0000) executable = false;
    }
    if (level.leaf === 'always' || (level.leaf === 'if-ps' && (entryLow & PAGE_SIZE) !== 0)) {
      if (level.leaf === 'if-ps' && (entryLow & level.reservedLowLeaf) !== 0) {
        return fault(linear, 'reserved-bits', level, entryGpa);
      }
      return {
        mapped: true,
        gpa: leafBase(format, level, entryHigh, entryLow) + ((low & (level.span - 1)) >>> 0),
        pageSize: level.span,
        writable: (allowed & WRITABLE) !== 0,
        user: (allowed & USER) !== 0,
        executable,
      };
    }
    table = address(entryHigh, entryLow, 0xffff_f000);
  }
  throw new Error('page-table format without a leaf level');
}

/** Index into the table of `level` for a linear address given as two dwords. */
function indexOf(level: PagingLevel, high: number, low: number): number {
  const shift = level.shift;
  const mask = level.entries - 1;
  if (shift >= 32) return (high >>> (shift - 32)) & mask;
  // The PDPTE index straddles the dwords: bits 31:30 and 38:32.
  if (shift === 30) return ((low >>> 30) | (high << 2)) & mask;
  return (low >>> shift) & mask;
}

/** Guest-physical address of the page that a leaf entry maps. */
export function leafBase(format: PagingFormat, level: PagingLevel, entryHigh: number, entryLow: number): number {
  if (level.leaf === 'if-ps' && format.entryBytes === 4) {
    const upper = format.pse36 ? (entryLow >>> 13) & 0xff : 0;
    return upper * TWO32 + ((entryLow & 0xffc0_0000) >>> 0);
  }
  return address(entryHigh, entryLow, -level.span);
}

/** One sentence on why an address is not mapped. */
export function describePageFault(fault: PageFault): string {
  const where = `0x${fault.linear.toString(16)}`;
  if (fault.reason === 'non-canonical' || fault.entryGpa === undefined) return `${where} is not a canonical address`;
  const entry = `its ${fault.entryName} at physical 0x${fault.entryGpa.toString(16)}`;
  switch (fault.reason) {
    case 'not-present': return `${where} is not mapped: ${entry} is not present`;
    case 'reserved-bits': return `${where} is not mapped: ${entry} has reserved bits set`;
    case 'table-outside-memory': return `${where} is not mapped: ${entry} is outside guest memory`;
  }
}
