/**
 * A vCPU's registers in the layout of the target description. Everything is read at most once per stop: general and
 * system registers came with the exit, XSAVE, debug registers and MSRs cost one ioctl each when first asked for.
 */
import { TargetError } from '../target.js';
import type { Machine } from '../vmm/machine.js';
import type { X86Register, X86TargetDescription } from '../x86/target-description.js';
import { encodeRegister, encodeRegisters, registerValue } from '../x86/register-encode.js';
import { RegisterWriteError, type RegisterFile, type RegisterSink } from '../x86/register-file.js';
import { writeRegister, writeRegisters } from '../x86/register-write.js';
import type { XsaveLayout } from '../x86/xsave.js';
import type { CpuView } from './cpu-view.js';

/** One vCPU's registers. Reads and writes throw TargetError for a register or value that there cannot be. */
export class RegisterAccess {
  private readonly block: Uint8Array;
  private readonly blockView: DataView;
  private blockIsCurrent = false;
  private readonly scratch = new DataView(new ArrayBuffer(8));
  private readonly msrIndices: Uint32Array;
  /** In the order of `msrIndices`. */
  private msrValues: BigUint64Array | undefined;
  private readonly file: RegisterFile;
  private readonly sink: RegisterSink;

  constructor(
    private readonly view: CpuView,
    private readonly description: X86TargetDescription,
    layout: XsaveLayout,
    machine: Machine,
  ) {
    this.block = new Uint8Array(description.size);
    this.blockView = new DataView(this.block.buffer);
    const known = new Set(machine.msrIndices);
    this.msrIndices = Uint32Array.from(
      description.registers.flatMap(({ source }) => (source.kind === 'msr' && known.has(source.index) ? [source.index] : [])),
    );
    this.file = this.makeFile(layout);
    this.sink = this.makeSink();
  }

  /** The vCPU ran: what was read is stale. */
  invalidate(): void {
    this.blockIsCurrent = false;
    this.msrValues = undefined;
  }

  /** The whole `g` block; valid until the next call. */
  readAll(): Uint8Array {
    if (!this.blockIsCurrent) {
      encodeRegisters(this.description, this.file, this.block);
      this.blockIsCurrent = true;
    }
    return this.block;
  }

  /** One register's bytes; valid until the next call. */
  read(regnum: number): Uint8Array {
    const register = this.register(regnum);
    if (!this.blockIsCurrent) encodeRegister(register, this.file, this.view.mode, this.block, this.blockView);
    return this.block.subarray(register.offset, register.offset + register.size);
  }

  /** One register's value, unsigned; undefined for a number that is none, or a register of more than 64 bits. */
  value(regnum: number): bigint | undefined {
    const register = this.description.registers.at(regnum);
    return register && registerValue(register, this.file, () => this.view.mode, this.scratch);
  }

  write(regnum: number, bytes: Uint8Array): void {
    this.register(regnum);
    this.change(() => writeRegister(this.description, regnum, bytes, this.file, this.sink));
  }

  writeAll(bytes: Uint8Array): void {
    this.change(() => writeRegisters(this.description, bytes, this.file, this.sink));
  }

  private register(regnum: number): X86Register {
    const register = this.description.registers[regnum];
    if (register === undefined) throw new TargetError(`There is no register number ${regnum}`);
    return register;
  }

  /** Runs a write; whatever the processor or KVM does not take becomes one sentence. */
  private change(write: () => void): void {
    try {
      write();
    } catch (error) {
      if (error instanceof RegisterWriteError) throw new TargetError(error.message);
      if (error instanceof Error && 'operation' in error) throw new TargetError(`KVM does not take this value: ${error.message}`);
      throw error;
    } finally {
      this.invalidate();
      this.view.invalidate();
    }
  }

  private makeFile(xsaveLayout: XsaveLayout): RegisterFile {
    const { vcpu } = this.view;
    const places = new Map(Array.from(this.msrIndices, (index, place) => [index, place]));
    const msr = (index: number): bigint | undefined => {
      const place = places.get(index);
      return place === undefined ? undefined : (this.msrValues ??= vcpu.native.getMsrs(this.msrIndices))[place];
    };
    return {
      get regs() { return vcpu.regs; },
      get sregs() { return vcpu.readSregs(); },
      get debug() { return vcpu.debugRegisters; },
      get xsave() { return vcpu.xsave; },
      get xcr0() { return vcpu.xcr0; },
      xsaveLayout,
      msr,
      readLinear: (address, length) => {
        const bytes = this.view.memory.read(address, length);
        return bytes.length === length ? bytes : undefined;
      },
    };
  }

  private makeSink(): RegisterSink {
    const { vcpu } = this.view;
    return {
      setGeneral: (name, value) => {
        vcpu.regs[name] = value;
        this.view.invalidate();
      },
      setSystem: (change) => {
        vcpu.writeSregs(change);
        this.view.invalidate();
      },
      setDebug: (debug) => { vcpu.debugRegisters = debug; },
      setXsave: (xsave) => { vcpu.xsave = xsave; },
      setXcr0: (value) => { vcpu.xcr0 = value; },
      setMsr: (index, value) => {
        vcpu.native.setMsrs(Uint32Array.of(index), BigUint64Array.of(value));
        this.msrValues = undefined;
      },
    };
  }
}
