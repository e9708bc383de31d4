/**
 * Bytes from a `P` or `G` packet to registers. A register set to the value it has is never a change, so whatever gdb
 * saved it can put back, read-only registers and both names of an aliased register included.
 */
import { cpuMode, linearPc, ripOfLinear, RFLAGS_VM } from './cpu-mode.js';
import type { DebugRegisters, Segment } from './cpu-state.js';
import { loadSegment } from './descriptors.js';
import type { RegisterSource, X86Register, X86TargetDescription } from './description-types.js';
import {
  checkCanonical, checkCr4, checkDefined, checkedCr0, checkedEfer, checkMsr, checkXcr0,
} from './register-checks.js';
import { encodeRegisters, readRegister, registerNumbered } from './register-encode.js';
import { RegisterWriteError, type RegisterFile, type RegisterSink } from './register-file.js';
import { mxcsrMask, writeXsave, type XsaveField } from './xsave.js';

const MASK32 = 0xffff_ffffn;
const PHYSICAL = (1n << 52n) - 1n;
/** EFLAGS bits that exist; bit 1 is always one. */
const RFLAGS_DEFINED = 0x3f_7fd5n;
/** The bits of DR6 and DR7 that can be written, and those that always read as one. */
const DR6_WRITABLE = 0xe00fn;
const DR6_ONES = 0xffff_0ff0n;
const DR7_WRITABLE = 0xffff_2fffn;
const DR7_ONES = 0x400n;

function refuse(sentence: string): never {
  throw new RegisterWriteError(sentence);
}

function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let index = bytes.length - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[index]);
  return value;
}

/** Puts the low half of `value` under the upper half of `whole`: a write to a 32-bit alias keeps the rest. */
function withLowHalf(whole: bigint, value: bigint): bigint {
  return (whole & ~MASK32) | (value & MASK32);
}

function writePc(linear: bigint, file: RegisterFile, sink: RegisterSink): void {
  const mode = cpuMode(file.sregs, file.regs.rflags);
  if (mode.name === 'long64') {
    checkCanonical('rip', linear, file.sregs.cr4);
  } else if (linear > MASK32) {
    refuse(`the pc cannot be ${hex(linear)} in ${mode.name} mode: linear addresses end at 4 GiB`);
  }
  const rip = ripOfLinear(file.sregs, linear, mode);
  const { base, limit } = file.sregs.cs;
  if (mode.name !== 'long64' && rip > BigInt(limit)) {
    refuse(`the pc cannot be ${hex(linear)}: CS has base ${hex(base)} and limit ${hex(limit)}; set cs first`);
  }
  sink.setGeneral('rip', rip);
}

function writeFlags(value: bigint, file: RegisterFile, sink: RegisterSink): void {
  if (((value ^ file.regs.rflags) & RFLAGS_VM) !== 0n) {
    refuse('eflags.VM cannot be changed here: the guest enters and leaves virtual-8086 mode by iret or interrupt');
  }
  sink.setGeneral('rflags', (value & RFLAGS_DEFINED) | 2n);
}

function writeSegment(
  source: Extract<RegisterSource, { kind: 'segment' }>, register: string, value: bigint, file: RegisterFile,
  sink: RegisterSink,
): void {
  const { name, part } = source;
  const current = file.sregs[name];
  let next: Segment;
  if (part === 'selector') {
    if (value > 0xffffn) refuse(`${register} cannot be ${hex(value)}: a selector has 16 bits`);
    const loaded = loadSegment(name, Number(value), file.sregs, cpuMode(file.sregs, file.regs.rflags), file.readLinear);
    if (!loaded.ok) refuse(loaded.reason);
    next = loaded.segment;
  } else if (part === 'base') {
    const hasWideBase = name === 'fs' || name === 'gs' || name === 'tr' || name === 'ldt';
    if (hasWideBase) checkCanonical(register, value, file.sregs.cr4);
    else if (value > MASK32) refuse(`${register} cannot be ${hex(value)}: this base has 32 bits`);
    next = { ...copyOf(current), base: value };
  } else {
    const limit = Number(value);
    const isLarge = limit > 0xf_ffff;
    if (isLarge && (limit & 0xfff) !== 0xfff) refuse(`${register} cannot be ${hex(value)}: above 1 MiB a limit ends in fff`);
    next = { ...copyOf(current), limit, g: isLarge ? 1 : 0 };
  }
  sink.setSystem({ [name]: next });
}

/** Segments may be views whose fields are getters of a class, which a spread would miss. */
function copyOf(segment: Segment): Segment {
  const { selector, base, limit, type, present, dpl, db, s, l, g, avl, unusable } = segment;
  return { selector, base, limit, type, present, dpl, db, s, l, g, avl, unusable };
}

function writeControl(n: 0 | 2 | 3 | 4 | 8, value: bigint, file: RegisterFile, sink: RegisterSink): void {
  switch (n) {
    case 0: return sink.setSystem(checkedCr0(value, file.sregs));
    case 2: return sink.setSystem({ cr2: value });
    case 3:
      checkDefined('cr3', value, PHYSICAL);
      return sink.setSystem({ cr3: value });
    case 4:
      checkCr4(value, file.sregs);
      return sink.setSystem({ cr4: value });
    case 8:
      checkDefined('cr8', value, 0xfn);
      return sink.setSystem({ cr8: value });
  }
}

function writeDebug(n: 0 | 1 | 2 | 3 | 6 | 7, value: bigint, file: RegisterFile, sink: RegisterSink): void {
  const { db, dr6, dr7 } = file.debug;
  const next: DebugRegisters = { db: [db[0], db[1], db[2], db[3]], dr6, dr7 };
  if (n < 6) {
    next.db[n as 0 | 1 | 2 | 3] = value;
  } else {
    checkDefined(`dr${n}`, value, MASK32);
    if (n === 6) next.dr6 = (value & DR6_WRITABLE) | DR6_ONES;
    else next.dr7 = (value & DR7_WRITABLE) | DR7_ONES;
  }
  sink.setDebug(next);
}

function writeExtended(field: XsaveField, register: string, bytes: Uint8Array, file: RegisterFile, sink: RegisterSink): void {
  if ('component' in field && !file.xsaveLayout.has(field.component)) {
    refuse(`${register} cannot be written: this vCPU does not have it`);
  }
  if ('control' in field && field.control === 'mxcsr') {
    checkDefined('mxcsr', littleEndian(bytes), BigInt(mxcsrMask(file.xsave)));
  }
  if ('control' in field && field.control !== 'fioff' && field.control !== 'fooff' && field.control !== 'mxcsr') {
    checkDefined(register, littleEndian(bytes), field.control === 'fop' ? 0x7ffn : 0xffffn);
  }
  const area = file.xsave.slice();
  writeXsave(area, file.xsaveLayout, field, bytes);
  sink.setXsave(area);
}

function apply(register: X86Register, bytes: Uint8Array, file: RegisterFile, sink: RegisterSink): void {
  const { source, name } = register;
  const value = littleEndian(bytes);
  switch (source.kind) {
    case 'gpr':
      return sink.setGeneral(source.name, source.bits === 64 ? value : withLowHalf(file.regs[source.name], value));
    case 'pc': {
      const current = linearPc(file.sregs, file.regs.rip, cpuMode(file.sregs, file.regs.rflags));
      return writePc(source.bits === 64 ? value : withLowHalf(current, value), file, sink);
    }
    case 'eflags': return writeFlags(value, file, sink);
    case 'segment': return writeSegment(source, name, value, file, sink);
    case 'table': {
      const base = BigInt.asUintN(64, value);
      const limit = value >> 64n;
      checkCanonical(`${name}.base`, base, file.sregs.cr4);
      checkDefined(`${name}.limit`, limit, 0xffffn);
      return sink.setSystem({ [source.name]: { base, limit: Number(limit) } });
    }
    case 'cr': return writeControl(source.n, value, file, sink);
    case 'efer': return sink.setSystem({ efer: checkedEfer(value, file.sregs) });
    case 'apic-base':
      checkDefined(name, value, PHYSICAL & ~0x2ffn);
      return sink.setSystem({ apicBase: value });
    case 'dr': return writeDebug(source.n, value, file, sink);
    case 'xcr0':
      checkXcr0(value);
      return sink.setXcr0(value);
    case 'msr':
      if (file.msr(source.index) === undefined) refuse(`${name} cannot be written: this host's KVM does not have it`);
      checkMsr(source.index, value, file.sregs.cr4);
      return sink.setMsr(source.index, value);
    case 'xsave': return writeExtended(source.field, name, bytes, file, sink);
    case 'mode':
      return refuse('mode cannot be written: it follows from cr0, efer, cs and eflags');
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/**
 * A `P` packet: one register, little-endian, exactly as long as the description says.
 *
 * @throws RegisterWriteError with the reason; nothing has changed then.
 * @throws RangeError for a number that the description does not have.
 */
export function writeRegister(
  description: X86TargetDescription, regnum: number, bytes: Uint8Array, file: RegisterFile, sink: RegisterSink,
): void {
  const register = registerNumbered(description, regnum);
  if (bytes.length !== register.size) refuse(`${register.name} takes ${register.size} bytes, not ${bytes.length}`);
  if (!sameBytes(bytes, readRegister(description, regnum, file))) apply(register, bytes, file, sink);
}

/** Segments before the pc, which is relative to CS; an alias before its 64-bit name, which then has the last word. */
function rank({ source }: X86Register): number {
  if (source.kind === 'pc') return source.bits === 32 ? 3 : 4;
  return source.kind === 'gpr' && source.bits === 64 ? 2 : source.kind === 'gpr' ? 1 : 0;
}

/**
 * A `G` packet: registers whose bytes differ from the present ones are written, so of two names for one register the
 * changed one counts. `mode` keeps its value.
 *
 * @throws RegisterWriteError if values were refused, with all reasons; the other registers have been written.
 */
export function writeRegisters(
  description: X86TargetDescription, bytes: Uint8Array, file: RegisterFile, sink: RegisterSink,
): void {
  if (bytes.length !== description.size) refuse(`a register block takes ${description.size} bytes, not ${bytes.length}`);
  const current = new Uint8Array(description.size);
  encodeRegisters(description, file, current);
  const part = (all: Uint8Array, { offset, size }: X86Register): Uint8Array => all.subarray(offset, offset + size);
  const changed = description.registers
    .filter((register) => register.source.kind !== 'mode' && !sameBytes(part(bytes, register), part(current, register)))
    .sort((a, b) => rank(a) - rank(b));
  const reasons: string[] = [];
  for (const register of changed) {
    try {
      apply(register, part(bytes, register), file, sink);
    } catch (error) {
      if (!(error instanceof RegisterWriteError)) throw error;
      reasons.push(error.message);
    }
  }
  if (reasons.length > 0) refuse(reasons.join('; '));
}
