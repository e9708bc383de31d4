/**
 * Segment descriptors: what the processor reads from the GDT or LDT into the hidden part of a segment register
 * (SDM vol. 3, 3.4.5 "Segment Descriptors", 3.5 "System Descriptor Types", 8.2.3 "TSS Descriptor in 64-bit mode").
 */
import type { Segment, SegmentName, SystemRegisters } from './cpu-state.js';
import type { CpuMode } from './cpu-mode.js';

/**
 * Reads guest memory at a linear address as the processor does for its own tables. Undefined unless all `length`
 * bytes can be read.
 */
export type LinearReader = (address: bigint, length: number) => Uint8Array | undefined;

/** System descriptor type (S = 0). */
const DESCRIPTOR_LDT = 2;

/** A descriptor that could not be fetched or used, with the sentence to show. */
export interface DescriptorRefusal {
  readonly ok: false;
  readonly reason: string;
}

export type SegmentResult = { readonly ok: true; readonly segment: Segment } | DescriptorRefusal;

function refuse(reason: string): DescriptorRefusal {
  return { ok: false, reason };
}

function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

/** Little-endian dword of a byte array, as an unsigned number. */
export function dwordAt(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset] ?? 0) | ((bytes[offset + 1] ?? 0) << 8) | ((bytes[offset + 2] ?? 0) << 16)
      | ((bytes[offset + 3] ?? 0) << 24)) >>> 0
  );
}

/**
 * The segment register contents that an 8-byte descriptor gives, or a 16-byte one for LDT and TSS in IA-32e mode
 * (its upper base half is used when `bytes` holds at least 12 bytes). `limit` comes out in bytes, scaled by G.
 */
export function parseSegmentDescriptor(selector: number, bytes: Uint8Array): Segment {
  const low = dwordAt(bytes, 0);
  const high = dwordAt(bytes, 4);
  const s = (high >>> 12) & 1;
  const g = (high >>> 23) & 1;
  const rawLimit = (low & 0xffff) | (high & 0xf_0000);
  const base = ((low >>> 16) | ((high & 0xff) << 16) | (high & 0xff00_0000)) >>> 0;
  const upper = s === 0 && bytes.length >= 12 ? BigInt(dwordAt(bytes, 8)) << 32n : 0n;
  return {
    selector,
    base: upper | BigInt(base),
    limit: g === 1 ? ((rawLimit << 12) | 0xfff) >>> 0 : rawLimit,
    type: (high >>> 8) & 0xf,
    present: (high >>> 15) & 1,
    dpl: (high >>> 13) & 3,
    db: (high >>> 22) & 1,
    s,
    l: (high >>> 21) & 1,
    g,
    avl: (high >>> 20) & 1,
    unusable: 0,
  };
}

/** The segment of real-address or virtual-8086 mode: base = selector × 16, the rest of the hidden part kept. */
export function paragraphSegment(selector: number, current: Segment): Segment {
  return { ...current, selector, base: BigInt(selector) << 4n };
}

/** A null selector in a data segment register: usable for nothing until it is loaded again. */
function nullSegment(selector: number): Segment {
  return {
    selector, base: 0n, limit: 0, type: 0, present: 0, dpl: selector & 3, db: 0, s: 0, l: 0, g: 0, avl: 0, unusable: 1,
  };
}

/** Reads `length` (8 or 16) bytes of the descriptor that `selector` names, from the GDT or the LDT. */
export function fetchDescriptor(
  selector: number, sregs: Pick<SystemRegisters, 'gdt' | 'ldt'>, length: 8 | 16, read: LinearReader,
): { readonly ok: true; readonly bytes: Uint8Array } | DescriptorRefusal {
  const inLdt = (selector & 4) !== 0;
  const table = inLdt ? 'LDT' : 'GDT';
  if (inLdt && (sregs.ldt.unusable !== 0 || sregs.ldt.present === 0)) {
    return refuse(`selector ${hex(selector)} is in the LDT, and no LDT is loaded`);
  }
  const { base, limit } = inLdt ? sregs.ldt : sregs.gdt;
  const offset = selector & 0xfff8;
  if (offset + length - 1 > limit) {
    return refuse(`selector ${hex(selector)} is beyond the ${table}'s limit ${hex(limit)}`);
  }
  const bytes = read(base + BigInt(offset), length);
  if (bytes === undefined || bytes.length < length) {
    return refuse(`the ${table} entry of selector ${hex(selector)} at ${hex(base + BigInt(offset))} cannot be read`);
  }
  return { ok: true, bytes };
}

/** Why `segment` may not be in `name`, by the checks of SDM vol. 2, "MOV", "LLDT" and "LTR" that do not need CPL. */
function unsuitable(name: SegmentName, segment: Segment, mode: CpuMode): string | undefined {
  const isCode = segment.s === 1 && (segment.type & 8) !== 0;
  if (name === 'ldt') return segment.s === 0 && segment.type === DESCRIPTOR_LDT ? undefined : 'is not an LDT';
  if (name === 'tr') {
    const isTss = segment.s === 0 && (segment.type & 5) === 1 && (!mode.isLong || segment.type >= 8);
    return isTss ? undefined : 'is not a TSS';
  }
  if (segment.s === 0) return 'is a system descriptor, not a segment';
  if (name === 'cs') return isCode ? undefined : 'is not a code segment';
  if (name === 'ss') return !isCode && (segment.type & 2) !== 0 ? undefined : 'is not a writable data segment';
  return !isCode || (segment.type & 2) !== 0 ? undefined : 'is an execute-only code segment';
}

/**
 * What loading `selector` into `name` would put into the register, in any mode: a paragraph in real and virtual-8086
 * mode, otherwise the descriptor. Privilege levels are not compared: a debugger may load what the guest may not.
 *
 * FS and GS keep their base in the descriptor's 32 bits; in 64-bit mode that is what `mov fs, ax` does too.
 */
export function loadSegment(
  name: SegmentName, selector: number, sregs: SystemRegisters, mode: CpuMode, read: LinearReader,
): SegmentResult {
  const isSystem = name === 'tr' || name === 'ldt';
  if (mode.usesParagraphs && !isSystem) return { ok: true, segment: paragraphSegment(selector, sregs[name]) };
  const register = name === 'ldt' ? 'ldtr' : name;
  if ((selector & 0xfffc) === 0) {
    if (name === 'cs' || name === 'tr' || (name === 'ss' && mode.name !== 'long64')) {
      return refuse(`${register} cannot hold the null selector ${hex(selector)}`);
    }
    return { ok: true, segment: nullSegment(selector) };
  }
  if (isSystem && (selector & 4) !== 0) return refuse(`${register} takes a selector of the GDT, not ${hex(selector)}`);
  const fetched = fetchDescriptor(selector, sregs, isSystem && mode.isLong ? 16 : 8, read);
  if (!fetched.ok) return fetched;
  const segment = parseSegmentDescriptor(selector, fetched.bytes);
  const problem = unsuitable(name, segment, mode) ?? (segment.present === 0 ? 'is not present' : undefined);
  if (problem !== undefined) return refuse(`selector ${hex(selector)} does not fit ${register}: its descriptor ${problem}`);
  // The processor sets Accessed in the descriptor and Busy in a TSS; the hidden part shows both (KVM demands it).
  if (segment.s === 1) segment.type |= 1;
  if (name === 'tr') segment.type |= 2;
  return { ok: true, segment };
}
