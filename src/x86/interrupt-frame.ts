/**
 * What the processor pushed on its way to a handler, read back at the handler's first instruction
 * (SDM vol. 3, 7.12.1 and 7.14.2; 21.1.4 for real mode).
 */
import { cpuMode, linearSp, RFLAGS_VM, type CpuMode } from './cpu-mode.js';
import type { SystemRegisters } from './cpu-state.js';
import { dwordAt, fetchDescriptor, paragraphSegment, parseSegmentDescriptor, type LinearReader } from './descriptors.js';
import type { InterruptFrame } from './interrupt-target.js';

export interface PushedFrame {
  /** Linear address that the handler would return to. */
  readonly pc: bigint;
  /** Mode of the code that was interrupted. */
  readonly mode: CpuMode;
  readonly cpl: number;
  readonly flags: bigint;
  readonly errorCode?: number;
}

/** Bits of the flags that are never set: 3, 5, 15, and those above ID (SDM vol. 1, 3.4.3). */
const NEVER_SET = ~0x3f_7fd7n;
const ALWAYS_SET = 1n << 1n;

/**
 * The frame at the top of the stack, laid out as `layout` says. Undefined if what lies there cannot be one: its flags or
 * its code segment are none.
 */
export function readPushedFrame(
  layout: InterruptFrame, sregs: SystemRegisters, rsp: bigint, mode: CpuMode, read: LinearReader,
): PushedFrame | undefined {
  const { slotSize, ipOffset, csOffset, flagsOffset, hasErrorCode } = layout;
  const length = flagsOffset + slotSize;
  const bytes = read(linearSp(sregs, rsp, mode), length);
  if (bytes === undefined || bytes.length < length) return undefined;
  const slot = (offset: number): bigint => bytes.subarray(offset, offset + slotSize).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  const ip = slot(ipOffset);
  const flags = slot(flagsOffset);
  if ((flags & ALWAYS_SET) === 0n || (flags & NEVER_SET) !== 0n) return undefined;
  const interrupted = codeSegment(Number(slot(csOffset) & 0xffffn), flags, sregs, mode, read);
  if (interrupted === undefined) return undefined;
  const { base, mode: interruptedMode, cpl } = interrupted;
  const pc = interruptedMode.name === 'long64' ? ip : (base + ip) & 0xffff_ffffn;
  return { pc, mode: interruptedMode, cpl, flags, ...(hasErrorCode && { errorCode: dwordAt(bytes, 0) }) };
}

/** The code segment that a pushed selector names, and what it makes of the mode. */
function codeSegment(
  selector: number, flags: bigint, sregs: SystemRegisters, mode: CpuMode, read: LinearReader,
): { base: bigint; mode: CpuMode; cpl: number } | undefined {
  if (mode.usesParagraphs) return { base: BigInt(selector) << 4n, mode, cpl: 0 };
  if (!mode.isLong && (flags & RFLAGS_VM) !== 0n) {
    const cs = { ...paragraphSegment(selector, sregs.cs), db: 0 };
    return { base: cs.base, mode: cpuMode({ ...sregs, cs }, flags), cpl: 3 };
  }
  if ((selector & 0xfffc) === 0) return undefined;
  const fetched = fetchDescriptor(selector, sregs, 8, read);
  if (!fetched.ok) return undefined;
  const cs = parseSegmentDescriptor(selector, fetched.bytes);
  if (cs.s === 0 || (cs.type & 8) === 0) return undefined;
  return { base: cs.base, mode: cpuMode({ ...sregs, cs }, flags), cpl: selector & 3 };
}
