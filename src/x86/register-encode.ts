/**
 * Registers to bytes in the layout of a target description: little-endian, `g` order. On the path of every `g` and of
 * the expedited registers in every stop reply.
 */
import { cpl, cpuMode, isUnreal, linearPc, stackBits, type CpuMode } from './cpu-mode.js';
import type { RegisterSource, X86Register, X86TargetDescription } from './description-types.js';
import type { RegisterFile } from './register-file.js';
import { readXsave } from './xsave.js';

/**
 * The `mode` register: mode code in bits 3:0, CPL in bits 5:4, unreal in bit 6. Bits 7 and 8 tell a stack whose width is
 * not the code's: 32-bit under 16-bit code, 16-bit under 32-bit code.
 */
function modeValue(file: RegisterFile, mode: CpuMode): number {
  const stack = stackBits(file.sregs, mode);
  const otherStack = stack === mode.operandBits ? 0 : stack === 32 ? 1 << 7 : 1 << 8;
  return mode.code | (cpl(file.sregs, mode) << 4) | (isUnreal(file.sregs, mode) ? 1 << 6 : 0) | otherStack;
}

function encode(
  source: RegisterSource, size: number, file: RegisterFile, mode: CpuMode, out: Uint8Array, view: DataView, at: number,
): void {
  switch (source.kind) {
    case 'gpr':
      if (size === 8) view.setBigUint64(at, file.regs[source.name], true);
      else view.setUint32(at, Number(BigInt.asUintN(32, file.regs[source.name])), true);
      return;
    case 'pc': {
      const pc = linearPc(file.sregs, file.regs.rip, mode);
      if (size === 8) view.setBigUint64(at, pc, true);
      else view.setUint32(at, Number(BigInt.asUintN(32, pc)), true);
      return;
    }
    case 'eflags':
      view.setUint32(at, Number(BigInt.asUintN(32, file.regs.rflags)), true);
      return;
    case 'segment': {
      const segment = file.sregs[source.name];
      if (source.part === 'base') view.setBigUint64(at, segment.base, true);
      else view.setUint32(at, source.part === 'selector' ? segment.selector : segment.limit, true);
      return;
    }
    case 'table': {
      const table = file.sregs[source.name];
      view.setBigUint64(at, table.base, true);
      view.setUint32(at + 8, table.limit, true);
      return;
    }
    case 'xsave':
      readXsave(file.xsave, file.xsaveLayout, source.field, out, at, size);
      return;
    case 'mode':
      view.setUint32(at, modeValue(file, mode), true);
      return;
    default:
      view.setBigUint64(at, systemValue(source, file), true);
  }
}

type SystemSource = Extract<RegisterSource, { kind: 'cr' | 'efer' | 'apic-base' | 'dr' | 'xcr0' | 'msr' }>;

function systemValue(source: SystemSource, file: RegisterFile): bigint {
  switch (source.kind) {
    case 'cr': return file.sregs[`cr${source.n}`];
    case 'efer': return file.sregs.efer;
    case 'apic-base': return file.sregs.apicBase;
    case 'dr': return source.n === 6 ? file.debug.dr6 : source.n === 7 ? file.debug.dr7 : file.debug.db[source.n];
    case 'xcr0': return file.xcr0;
    case 'msr': return file.msr(source.index) ?? 0n;
  }
}

/** The register with this number. @throws RangeError if the description has none. */
export function registerNumbered(description: X86TargetDescription, regnum: number): X86Register {
  const register = description.registers[regnum];
  if (register === undefined) throw new RangeError(`there is no register number ${regnum}`);
  return register;
}

/** Writes the whole `g` block, `description.size` bytes, to the start of `out`. */
export function encodeRegisters(description: X86TargetDescription, file: RegisterFile, out: Uint8Array): void {
  if (out.length < description.size) throw new RangeError(`a register block takes ${description.size} bytes, not ${out.length}`);
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
  const mode = cpuMode(file.sregs, file.regs.rflags);
  for (const register of description.registers) {
    encode(register.source, register.size, file, mode, out, view, register.offset);
  }
}

/** Writes one register to its place in the `g` block `out`; `view` covers `out`. For callers that know the mode already. */
export function encodeRegister(register: X86Register, file: RegisterFile, mode: CpuMode, out: Uint8Array, view: DataView): void {
  encode(register.source, register.size, file, mode, out, view, register.offset);
}

/**
 * One register's value as an unsigned number; undefined for one of more than 64 bits. The general registers, which is
 * what conditions on breakpoints read, come without a copy. `scratch` has room for 8 bytes.
 */
export function registerValue({ source, size }: X86Register, file: RegisterFile, mode: () => CpuMode, scratch: DataView): bigint | undefined {
  if (source.kind === 'gpr') {
    const value = file.regs[source.name];
    return size === 8 ? value : BigInt.asUintN(32, value);
  }
  if (size > 8) return undefined;
  const out = new Uint8Array(scratch.buffer, scratch.byteOffset, 8);
  out.fill(0);
  encode(source, size, file, mode(), out, scratch, 0);
  return scratch.getBigUint64(0, true);
}

/** One register's bytes. @throws RangeError for a number that the description does not have. */
export function readRegister(description: X86TargetDescription, regnum: number, file: RegisterFile): Uint8Array {
  const register = registerNumbered(description, regnum);
  const out = new Uint8Array(register.size);
  const mode = cpuMode(file.sregs, file.regs.rflags);
  encode(register.source, register.size, file, mode, out, new DataView(out.buffer), 0);
  return out;
}
