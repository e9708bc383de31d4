/**
 * The arguments of each packet family as typed requests (gdb manual, "Packets", "General Query Packets").
 * Pure; each throws a TargetError (EINVAL) with one sentence for arguments that do not fit.
 */
import { TargetError } from '../target.js';
import type { BreakpointKind, BreakpointRequest } from '../target.js';
import { PacketReader } from './packet-reader.js';
import { readThreadId } from './thread-ids.js';
import type { ThreadSelector } from './thread-ids.js';

export interface MemoryRange {
  readonly address: bigint;
  /** Bytes. */
  readonly length: number;
}

/** `addr,length` of `m`, `x`, `qCRC`. */
export function parseMemoryRange(args: Buffer): MemoryRange {
  const reader = new PacketReader(args);
  const range = readRange(reader);
  reader.expectEnd('the length');
  return range;
}

function readRange(reader: PacketReader): MemoryRange {
  const address = reader.bigint('an address');
  reader.expect(',', 'between address and length');
  return { address, length: reader.number('a length') };
}

export interface MemoryWrite {
  readonly address: bigint;
  readonly data: Uint8Array;
}

/** `addr,length:data` of `M` (hex) and `X` (binary, already unescaped). */
export function parseMemoryWrite(args: Buffer, format: 'hex' | 'binary'): MemoryWrite {
  const reader = new PacketReader(args);
  const { address, length } = readRange(reader);
  reader.expect(':', 'before the data');
  const data = format === 'hex' ? reader.hexRest('The data') : reader.rest();
  if (data.length !== length) {
    throw new TargetError(`The packet says ${length} bytes and carries ${data.length}.`);
  }
  return { address, data };
}

/** `n` of `p`. */
export function parseRegisterNumber(args: Buffer): number {
  const reader = new PacketReader(args);
  const regnum = reader.number('a register number');
  // lldb may add `;thread:ID`, which it only does to stubs that offered it; ours does not.
  reader.expectEnd('the register number');
  return regnum;
}

/** `n=value` of `P`; the value is in the target's byte order. */
export function parseRegisterWrite(args: Buffer): { regnum: number; value: Uint8Array } {
  const reader = new PacketReader(args);
  const regnum = reader.number('a register number');
  reader.expect('=', 'before the value');
  return { regnum, value: reader.hexRest('The value') };
}

const BREAKPOINT_KINDS: readonly BreakpointKind[] = ['software', 'hardware', 'write', 'read', 'access'];

/** `type,addr,kind` of `Z` and `z`; behind it, conditions `;Xlen,expr…` and commands `;cmds:persist,Xlen,expr…` of `Z`. */
export function parseBreakpoint(args: Buffer): BreakpointRequest {
  const reader = new PacketReader(args);
  const kind = BREAKPOINT_KINDS[reader.number('a breakpoint type')];
  if (kind === undefined) throw new TargetError('Breakpoint types are 0 to 4.');
  reader.expect(',', 'after the breakpoint type');
  const { address, length } = readRange(reader);
  if (reader.atEnd) return { kind, address, length };
  const conditions: Uint8Array[] = [];
  const commands: Uint8Array[] = [];
  let persistCommands = false;
  while (reader.skip(';')) {
    if (reader.peek() !== 'c') {
      readExpressions(reader, conditions);
      continue;
    }
    if (reader.textUntil(':') !== 'cmds') throw new TargetError('Behind a breakpoint stand conditions (X) and commands (cmds:).');
    persistCommands = reader.number('whether the commands persist') !== 0;
    reader.expect(',', 'before the commands');
    readExpressions(reader, commands);
  }
  reader.expectEnd('the breakpoint');
  return {
    kind, address, length,
    ...(conditions.length > 0 && { conditions }),
    ...(commands.length > 0 && { commands, persistCommands }),
  };
}

/** One or more `X len,expr`, the length in bytes; added to `list`. */
function readExpressions(reader: PacketReader, list: Uint8Array[]): void {
  do {
    reader.expect('X', 'before an expression');
    const length = reader.number('the length of an expression');
    reader.expect(',', 'before the expression');
    list.push(reader.hex(length, 'The expression'));
  } while (reader.peek() === 'X');
}

export type ResumeVerb = 'continue' | 'step' | 'range-step' | 'stop';

export interface VContAction {
  readonly verb: ResumeVerb;
  readonly threads: ThreadSelector;
  /** Of a range step: step while `start <= pc < end`. */
  readonly start: bigint;
  readonly end: bigint;
}

/** Actions of `vCont`, `action[:thread];…` in the client's order. Signals are read and dropped: a machine takes none. */
export function parseVCont(args: Buffer): VContAction[] {
  const reader = new PacketReader(args);
  const actions: VContAction[] = [];
  do {
    actions.push(readAction(reader));
  } while (reader.skip(';'));
  reader.expectEnd('the last action');
  return actions;
}

function readAction(reader: PacketReader): VContAction {
  let start = 0n;
  let end = 0n;
  let verb: ResumeVerb;
  if (reader.skip('c')) verb = 'continue';
  else if (reader.skip('s')) verb = 'step';
  else if (reader.skip('t')) verb = 'stop';
  else if (reader.skip('C') || reader.peek() === 'S') {
    verb = reader.skip('S') ? 'step' : 'continue';
    reader.number('a signal');
  } else if (reader.skip('r')) {
    verb = 'range-step';
    start = reader.bigint('the start of the range');
    reader.expect(',', 'between start and end of the range');
    end = reader.bigint('the end of the range');
    if (end < start) throw new TargetError('The range of a step ends before it begins.');
  } else throw new TargetError('vCont takes the actions c, C, s, S, t and r.');
  const threads = reader.skip(':') ? readThreadId(reader) : ALL_THREADS;
  return { verb, threads, start, end };
}

const ALL_THREADS: ThreadSelector = { process: -1, thread: -1 };

/** `[addr]` of `c` and `s`, or `sig[;addr]` of `C` and `S`. */
export function parseOldResume(args: Buffer, withSignal: boolean): { address: bigint | undefined } {
  const reader = new PacketReader(args);
  if (withSignal) {
    reader.number('a signal');
    if (reader.atEnd) return { address: undefined };
    reader.expect(';', 'before the address');
  }
  const address = reader.atEnd ? undefined : reader.bigint('an address');
  reader.expectEnd('the address');
  return { address };
}

export interface TransferRequest {
  readonly object: string;
  readonly operation: string;
  readonly annex: string;
  readonly offset: number;
  readonly length: number;
}

/** `object:read:annex:offset,length` of `qXfer`. */
export function parseTransfer(args: Buffer): TransferRequest {
  const reader = new PacketReader(args);
  const object = reader.textUntil(':');
  const operation = reader.textUntil(':');
  const annex = reader.textUntil(':');
  const offset = reader.number('an offset');
  reader.expect(',', 'between offset and length');
  const length = reader.number('a length');
  reader.expectEnd('the length');
  return { object, operation, annex, offset, length };
}

/** `memory:addr;length;pattern` of `qSearch`; the pattern is binary. */
export function parseSearch(args: Buffer): MemoryRange & { pattern: Buffer } {
  const reader = new PacketReader(args);
  if (reader.textUntil(':') !== 'memory') throw new TargetError('Only qSearch:memory is known.');
  const address = reader.bigint('an address');
  reader.expect(';', 'between address and length');
  const length = reader.number('a length');
  reader.expect(';', 'before the pattern');
  const pattern = Buffer.from(reader.rest());
  if (pattern.length === 0) throw new TargetError('The search pattern is empty.');
  return { address, length, pattern };
}
