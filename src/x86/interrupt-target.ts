/**
 * Where an interrupt or exception handler starts and what the processor pushes on the way there (SDM vol. 3, 7.11 to
 * 7.14 for gates and stack frames, 21.1.4 for the real-mode table; APM vol. 2, 8.7 to 8.9). The stepper needs both: a
 * temporary breakpoint at the handler, and the place of the flags image that may hold a leaked TF.
 */
import type { SystemRegisters } from './cpu-state.js';
import type { CpuMode } from './cpu-mode.js';
import {
  dwordAt, fetchDescriptor, parseSegmentDescriptor, type DescriptorRefusal, type LinearReader,
} from './descriptors.js';
import { describeVector, pushesErrorCode } from './exceptions.js';

/** Gates (SDM vol. 3, table 3-2). `task` exists outside IA-32e mode only. */
export type GateKind = 'task' | 'call' | 'interrupt' | 'trap';

export interface Gate {
  readonly kind: GateKind;
  /** 16, 32 or 64: width of the offset, and of each slot pushed. */
  readonly bits: 16 | 32 | 64;
  readonly selector: number;
  /** Offset in the code segment; 0 for a task gate. */
  readonly offset: bigint;
  readonly dpl: number;
  readonly present: boolean;
  /** Interrupt stack table entry, 0 for none (IA-32e mode). */
  readonly ist: number;
}

const GATE_KINDS: Readonly<Record<number, readonly [GateKind, 16 | 32]>> = {
  0x4: ['call', 16], 0x5: ['task', 32], 0x6: ['interrupt', 16], 0x7: ['trap', 16],
  0xc: ['call', 32], 0xe: ['interrupt', 32], 0xf: ['trap', 32],
};

/**
 * Decodes a gate descriptor: 8 bytes, or 16 in IA-32e mode, where only the types 0xc, 0xe and 0xf exist.
 *
 * @returns undefined if the bytes are not a gate of that mode.
 */
export function parseGate(bytes: Uint8Array, isLong: boolean): Gate | undefined {
  if (bytes.length < (isLong ? 16 : 8)) return undefined;
  const low = dwordAt(bytes, 0);
  const high = dwordAt(bytes, 4);
  const known = GATE_KINDS[(high >>> 8) & 0x1f];
  if (known === undefined || (isLong && (known[1] === 16 || known[0] === 'task'))) return undefined;
  const [kind, width] = known;
  const offset16 = low & 0xffff;
  let offset = BigInt(kind === 'task' ? 0 : width === 16 ? offset16 : ((high & 0xffff_0000) | offset16) >>> 0);
  if (isLong) offset |= BigInt(dwordAt(bytes, 8)) << 32n;
  return {
    kind, bits: isLong ? 64 : width, selector: low >>> 16, offset,
    dpl: (high >>> 13) & 3, present: ((high >>> 15) & 1) === 1, ist: isLong ? high & 7 : 0,
  };
}

/** The frame at the handler's first instruction, counted in bytes from its stack pointer upwards. */
export interface InterruptFrame {
  /** 2, 4 or 8. */
  readonly slotSize: 2 | 4 | 8;
  readonly hasErrorCode: boolean;
  readonly ipOffset: number;
  readonly csOffset: number;
  /** FLAGS, EFLAGS or RFLAGS image. */
  readonly flagsOffset: number;
}

export type InterruptTarget =
  | { readonly ok: true; readonly address: bigint; readonly frame: InterruptFrame }
  | DescriptorRefusal;

function frameOf(slotSize: 2 | 4 | 8, hasErrorCode: boolean): InterruptFrame {
  const first = hasErrorCode ? slotSize : 0;
  return {
    slotSize, hasErrorCode, ipOffset: first, csOffset: first + slotSize, flagsOffset: first + 2 * slotSize,
  };
}

function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

function refuse(vector: number, what: string): DescriptorRefusal {
  return { ok: false, reason: `${describeVector(vector)} has no handler: ${what}` };
}

/**
 * The handler of `vector` (0..255) as the processor would enter it now.
 *
 * @param source `exception` when the processor raises it (an error code may be pushed), `interrupt` for INT n,
 *   external interrupts and NMI.
 * @param read used at supervisor rights for the IVT, IDT, GDT and LDT.
 */
export function interruptTarget(
  vector: number, source: 'exception' | 'interrupt', sregs: SystemRegisters, mode: CpuMode, read: LinearReader,
): InterruptTarget {
  if (!Number.isInteger(vector) || vector < 0 || vector > 255) throw new RangeError(`${vector} is not a vector: 0 to 255`);
  if (mode.name === 'real16' || mode.name === 'real32') return realModeTarget(vector, sregs, read);
  const entrySize = mode.isLong ? 16 : 8;
  const entry = vector * entrySize;
  if (entry + entrySize - 1 > sregs.idt.limit) {
    return refuse(vector, `it is beyond the IDT's limit ${hex(sregs.idt.limit)}`);
  }
  const at = sregs.idt.base + BigInt(entry);
  const bytes = read(at, entrySize);
  if (bytes === undefined || bytes.length < entrySize) {
    return refuse(vector, `the IDT entry at ${hex(at)} cannot be read`);
  }
  const gate = parseGate(bytes, mode.isLong);
  if (gate === undefined || gate.kind === 'call') {
    return refuse(vector, `the IDT entry at ${hex(at)} is not an interrupt gate`);
  }
  if (!gate.present) return refuse(vector, `the gate at ${hex(at)} is not present`);
  if (gate.kind === 'task') return refuse(vector, 'its gate switches tasks, which cannot be followed');
  const hasErrorCode = source === 'exception' && pushesErrorCode(vector);
  const frame = frameOf((gate.bits / 8) as 2 | 4 | 8, hasErrorCode);
  // IA-32e mode enters handlers in 64-bit code, where CS.base does not count.
  if (mode.isLong) return { ok: true, address: gate.offset, frame };
  if ((gate.selector & 0xfffc) === 0) return refuse(vector, 'its gate names the null selector');
  const code = fetchDescriptor(gate.selector, sregs, 8, read);
  if (!code.ok) return refuse(vector, code.reason);
  const segment = parseSegmentDescriptor(gate.selector, code.bytes);
  if (segment.s === 0 || (segment.type & 8) === 0) {
    return refuse(vector, `selector ${hex(gate.selector)} of its gate is not a code segment`);
  }
  return { ok: true, address: (segment.base + gate.offset) & 0xffff_ffffn, frame };
}

/** Real mode: four bytes per vector at IDTR.base, IP then CS; FLAGS, CS, IP pushed as words and no error code. */
function realModeTarget(vector: number, sregs: Pick<SystemRegisters, 'idt'>, read: LinearReader): InterruptTarget {
  if (vector * 4 + 3 > sregs.idt.limit) {
    return refuse(vector, `it is beyond the interrupt table's limit ${hex(sregs.idt.limit)}`);
  }
  const bytes = read(sregs.idt.base + BigInt(vector * 4), 4);
  if (bytes === undefined || bytes.length < 4) return refuse(vector, 'its entry in the interrupt table cannot be read');
  const entry = dwordAt(bytes, 0);
  return { ok: true, address: BigInt((entry >>> 16) * 16 + (entry & 0xffff)), frame: frameOf(2, false) };
}
