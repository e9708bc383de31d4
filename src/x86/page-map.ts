/**
 * Everything that is mapped, in order of linear address: what `monitor info mem` prints. Absent subtrees are skipped
 * whole; the number of entries looked at and of ranges returned are bounded, because a guest may point a table at
 * itself and so map 2^36 pages with one.
 */
import { leafBase } from './page-walk.js';
import { pagingFormat, type PagingFormat, type PagingState, type PhysicalReader } from './paging-format.js';

/** One present page. */
export interface PageMapping {
  /** Canonical linear address. */
  readonly linear: bigint;
  readonly gpa: number;
  /** Bytes. */
  readonly size: number;
  readonly writable: boolean;
  readonly user: boolean;
  readonly executable: boolean;
}

/** Adjacent pages with the same rights. `end` is exclusive and 2^64 for a range that reaches the top. */
export interface LinearRange {
  readonly start: bigint;
  readonly end: bigint;
  readonly writable: boolean;
  readonly user: boolean;
}

export interface MapBounds {
  /** Table entries looked at; default 2^21: 8 GiB of 4 KiB pages, a third of a second. */
  readonly entries?: number;
  /** Ranges returned; default 65536. */
  readonly ranges?: number;
}

const WRITABLE = 1 << 1;
const USER = 1 << 2;

interface Budget {
  entries: number;
}

function* walkTable(
  format: PagingFormat, depth: number, table: number, linearBase: number, allowed: number, executable: boolean,
  memory: PhysicalReader, budget: Budget,
): Generator<PageMapping> {
  const level = format.levels[depth];
  for (let index = 0; index < level.entries && budget.entries > 0; index++) {
    budget.entries--;
    const at = table + index * format.entryBytes;
    let low: number | undefined;
    let high: number | undefined = 0;
    if (format.pdptes !== undefined && level.entryName === 'PDPTE') {
      low = Number(BigInt.asUintN(32, format.pdptes[index] ?? 0n));
      high = Number(BigInt.asUintN(32, (format.pdptes[index] ?? 0n) >> 32n));
    } else {
      low = memory.read32(at);
      if (format.entryBytes === 8) high = memory.read32(at + 4);
    }
    // A table outside memory has no entries worth looking at.
    if (low === undefined || high === undefined) return;
    if ((low & 1) === 0 || (low & level.reservedLow) !== 0 || (high & level.reservedHigh) !== 0) continue;
    const linear = linearBase + index * level.span;
    const rights = level.hasPermissions ? allowed & low : allowed;
    const mayExecute = executable && !(level.hasPermissions && high >= 0x8000_0000);
    const isLarge = level.leaf === 'if-ps' && (low & 0x80) !== 0;
    if (isLarge && (low & level.reservedLowLeaf) !== 0) continue;
    if (level.leaf === 'always' || isLarge) {
      yield {
        linear: canonical(linear, format.linearBits), gpa: leafBase(format, level, high, low), size: level.span,
        writable: (rights & WRITABLE) !== 0, user: (rights & USER) !== 0, executable: mayExecute,
      };
    } else {
      const next = (high & 0xf_ffff) * 0x1_0000_0000 + ((low & 0xffff_f000) >>> 0);
      yield* walkTable(format, depth + 1, next, linear, rights, mayExecute, memory, budget);
    }
  }
}

/** Sign-extends a 48- or 57-bit address. 57 bits exceed a double, but page addresses have 12 zero bits to spare. */
function canonical(linear: number, bits: number): bigint {
  return bits === 32 ? BigInt(linear) : BigInt.asUintN(64, BigInt.asIntN(bits, BigInt(linear)));
}

/** Every present page in order of linear address; nothing without paging. Stops after `entries` table entries. */
export function* presentPages(
  paging: PagingState, memory: PhysicalReader, budget: Budget = { entries: 1 << 21 },
): Generator<PageMapping> {
  const format = pagingFormat(paging);
  if (format.levels.length === 0) return;
  yield* walkTable(format, 0, format.root, 0, WRITABLE | USER, true, memory, budget);
}

/**
 * Adjacent pages with equal U/S and R/W merged, as QEMU's `info mem` lists them (it leaves XD out).
 *
 * @returns the ranges in order and whether a bound cut them short.
 */
export function mappedRanges(
  paging: PagingState, memory: PhysicalReader, bounds: MapBounds = {},
): { ranges: LinearRange[]; truncated: boolean } {
  const most = bounds.ranges ?? 65536;
  const budget = { entries: bounds.entries ?? 1 << 21 };
  const ranges: { start: bigint; end: bigint; writable: boolean; user: boolean }[] = [];
  for (const page of presentPages(paging, memory, budget)) {
    const last = ranges.at(-1);
    const end = page.linear + BigInt(page.size);
    if (last !== undefined && last.end === page.linear && last.writable === page.writable && last.user === page.user) {
      last.end = end;
    } else if (ranges.length === most) {
      return { ranges, truncated: true };
    } else {
      ranges.push({ start: page.linear, end, writable: page.writable, user: page.user });
    }
  }
  return { ranges, truncated: budget.entries <= 0 };
}
