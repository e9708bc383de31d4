/**
 * Which linear addresses are alike: what lldb's `memory region` shows (lldb's remote protocol extensions, qMemoryRegionInfo).
 * A region is made of spans: the part of one page that has one kind of memory behind it, or what one absent table entry covers.
 */
import type { LinearRegion } from '../target.js';
import type { MemoryRegion } from '../vmm/memory-layout.js';
import { translate, type Translation } from '../x86/page-walk.js';
import type { PagingFormat, PhysicalReader } from '../x86/paging-format.js';

const TOP = 1n << 64n;
const TOP_OF_32_BITS = 1n << 32n;
/** Of guest-physical addresses (SDM vol. 3, 5.1.4). */
const TOP_OF_PHYSICAL = 2 ** 52;

/** Spans looked at for one region: 128 MiB of 4 KiB pages, some tens of milliseconds. What is longer is told in parts. */
const MOST_SPANS = 1 << 15;

const NAMES = { ram: 'RAM', rom: 'ROM', video: 'video memory' } as const;

/** Page tables, and the kinds of memory by guest-physical address. */
export interface RegionMemory extends PhysicalReader {
  readonly chunks: readonly MemoryRegion[];
  chunkAt(gpa: number): MemoryRegion | undefined;
}

interface Span {
  readonly start: bigint;
  /** Exclusive. */
  readonly end: bigint;
  readonly name: string;
  readonly access?: LinearRegion['access'];
}

/** The guest-physical run around `gpa` with one kind of memory, or none, behind it. `end` is exclusive. */
function physicalRun(memory: RegionMemory, gpa: number): { start: number; end: number; kind?: MemoryRegion['kind'] } {
  const chunk = memory.chunkAt(gpa);
  if (chunk !== undefined) return { start: chunk.start, end: chunk.start + chunk.size, kind: chunk.kind };
  let [start, end] = [0, TOP_OF_PHYSICAL];
  for (const other of memory.chunks) {
    if (other.start > gpa) end = Math.min(end, other.start);
    else start = Math.max(start, other.start + other.size);
  }
  return { start, end };
}

function mappedSpan(memory: RegionMemory, linear: bigint, page: Translation, isPaged: boolean): Span {
  const base = page.gpa - (page.gpa % page.pageSize);
  const { start, end, kind } = physicalRun(memory, page.gpa);
  const name = kind === undefined ? 'devices or nothing' : NAMES[kind];
  return {
    start: linear - BigInt(page.gpa - Math.max(base, start)),
    end: linear + BigInt(Math.min(base + page.pageSize, end) - page.gpa),
    name: isPaged && page.user ? `${name}, user mode` : name,
    access: { writable: page.writable && kind !== 'rom', executable: page.executable },
  };
}

function spanAt(format: PagingFormat, memory: RegionMemory, linear: bigint): Span {
  if (format.linearBits === 32 && linear >= TOP_OF_32_BITS) return { start: TOP_OF_32_BITS, end: TOP, name: '' };
  const result = translate(format, linear, memory);
  if (result.mapped) {
    // Without paging every address is mapped alike, and only memory's kinds divide them.
    if (format.levels.length === 0) return mappedSpan(memory, linear, { ...result, pageSize: 2 ** 32 }, false);
    return mappedSpan(memory, linear, result, true);
  }
  if (result.reason === 'non-canonical') {
    const half = 1n << BigInt(format.linearBits - 1);
    return { start: half, end: TOP - half, name: '' };
  }
  const level = format.levels.find(({ entryName }) => entryName === result.entryName);
  const size = BigInt(level?.span ?? 4096);
  return { start: linear - (linear % size), end: linear - (linear % size) + size, name: '' };
}

function isAlike(a: Span, b: Span): boolean {
  return a.name === b.name && a.access?.writable === b.access?.writable && a.access?.executable === b.access?.executable;
}

/** The region around a linear address below 2^64, in either direction. */
export function regionAround(format: PagingFormat, memory: RegionMemory, linear: bigint): LinearRegion {
  const here = spanAt(format, memory, linear);
  let { start, end } = here;
  let looked = 0;
  while (end < TOP && looked++ < MOST_SPANS) {
    const next = spanAt(format, memory, end);
    if (!isAlike(next, here)) break;
    end = next.end;
  }
  while (start > 0n && looked++ < MOST_SPANS) {
    const previous = spanAt(format, memory, start - 1n);
    if (!isAlike(previous, here)) break;
    start = previous.start;
  }
  return { start, size: end - start, name: here.name, ...(here.access !== undefined && { access: here.access }) };
}
