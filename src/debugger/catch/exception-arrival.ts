/**
 * A vCPU stands at the entry of an exception handler: which exception it was, who raised it, and the sentence for it. The
 * same address can be the handler of several exceptions, be called by INT n, or be jumped to; the pushed frame tells
 * these apart as far as it can.
 */
import { RFLAGS_IF } from '../../x86/cpu-mode.js';
import { describeVector, EXCEPTION_VECTORS } from '../../x86/exceptions.js';
import { describeErrorCode } from '../../x86/error-code.js';
import { decode, LONGEST_INSTRUCTION } from '../../x86/instruction-decode.js';
import { readPushedFrame, type PushedFrame } from '../../x86/interrupt-frame.js';
import { interruptTarget } from '../../x86/interrupt-target.js';
import type { CpuView } from '../cpu-view.js';

/** Exceptions that real mode does not know (SDM vol. 3, table 21-6): there the vector belongs to an interrupt. */
const NOT_IN_REAL_MODE: readonly number[] = [9, 10, 11, 14, 15, 17];
const DOUBLE_FAULT = 8;
const BREAKPOINT = 3;
const OVERFLOW = 4;
const PAGE_FAULT = 14;
/** Exceptions whose frame points behind the instruction, which has one byte (SDM vol. 3, table 7-1). */
const ONE_BYTE_TRAPS: ReadonlyMap<number, number> = new Map([[BREAKPOINT, 0xcc], [OVERFLOW, 0xce]]);
const INT_N = 0xcd;
/** Instructions that raise one exception of their own; others of theirs push an error code. */
const VECTOR_OF_MNEMONIC: ReadonlyMap<string, number> = new Map([
  ['div', 0], ['idiv', 0], ['aam', 0], ['bound', 5], ['ud0', 6], ['ud1', 6], ['ud2', 6],
]);

export interface ExceptionArrival {
  /** Usually one; several where the frame does not tell them apart. */
  readonly vectors: readonly number[];
  readonly sentence: string;
}

interface Candidate {
  readonly vector: number;
  readonly frame: PushedFrame;
}

/** Undefined if the pc is no exception's entry, or was not reached by an exception. */
export function exceptionAt(view: CpuView): ExceptionArrival | undefined {
  const candidates = narrow(view, candidatesAt(view));
  const [first] = candidates;
  if (first === undefined) return undefined;
  const vectors = candidates.map(({ vector }) => vector);
  return { vectors, sentence: sentence(view, vectors, first.frame) };
}

/** The exceptions whose handler begins here and whose frame lies on the stack. */
function candidatesAt(view: CpuView): Candidate[] {
  const { pc, vcpu, mode, memory } = view;
  const sregs = vcpu.readSregs();
  const read = (address: bigint, length: number): Uint8Array => memory.read(address, length);
  const found: Candidate[] = [];
  for (let vector = 0; vector < EXCEPTION_VECTORS; vector++) {
    const target = interruptTarget(vector, 'exception', sregs, mode, read);
    if (!target.ok || target.address !== pc) continue;
    const frame = readPushedFrame(target.frame, sregs, vcpu.regs.rsp, mode, read);
    if (frame !== undefined) found.push({ vector, frame });
  }
  return found;
}

/** IRQ 0 to 7 have the vectors 8 to 15 until a guest maps them elsewhere; #DF takes a broken table in real mode. */
function isInterrupt(view: CpuView, { vector, frame }: Candidate): boolean {
  if (!view.mode.usesParagraphs) return false;
  return NOT_IN_REAL_MODE.includes(vector) || (vector === DOUBLE_FAULT && (frame.flags & RFLAGS_IF) !== 0n);
}

function narrow(view: CpuView, candidates: readonly Candidate[]): readonly Candidate[] {
  const { memory } = view;
  const possible = candidates.filter((candidate) => {
    const { vector, frame } = candidate;
    if (isInterrupt(view, candidate)) return false;
    const before = memory.read(frame.pc - 2n, 2);
    if (frame.errorCode === undefined && before.length === 2 && before[0] === INT_N && before[1] === vector) return false;
    const trap = ONE_BYTE_TRAPS.get(vector);
    return trap === undefined || memory.read(frame.pc - 1n, 1)[0] === trap;
  });
  if (possible.length < 2) return possible;
  const sure = possible.filter(({ vector, frame }) => {
    if (ONE_BYTE_TRAPS.has(vector)) return true;
    const instruction = decode(memory.read(frame.pc, LONGEST_INSTRUCTION), frame.mode.operandBits, frame.pc);
    return instruction !== undefined && VECTOR_OF_MNEMONIC.get(instruction.mnemonic) === vector;
  });
  return sure.length === 0 ? possible : sure;
}

function sentence(view: CpuView, vectors: readonly number[], frame: PushedFrame): string {
  const names = vectors.map(describeVector);
  const what = names.length === 1 ? names[0] : `one of ${names.join(', ')} (they share a handler)`;
  const { pc, mode, cpl, errorCode } = frame;
  const isBehind = vectors.length === 1 && ONE_BYTE_TRAPS.has(vectors[0]);
  const parts = [`cpu${view.vcpu.id}: ${what}, raised ${isBehind ? 'just before' : 'at'} 0x${pc.toString(16)} (${mode.name}${cpl === 0 ? '' : `, CPL ${cpl}`})`];
  if (errorCode !== undefined) {
    const meaning = vectors.length === 1 ? describeErrorCode(vectors[0], errorCode) : undefined;
    parts.push(`error code 0x${errorCode.toString(16)}${meaning === undefined ? '' : ` (${meaning})`}`);
  }
  if (vectors.includes(PAGE_FAULT)) parts.push(`CR2 0x${view.vcpu.readSregs().cr2.toString(16)}`);
  return `${parts.join(', ')}.`;
}
