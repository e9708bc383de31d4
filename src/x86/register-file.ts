/**
 * The state that a target description's registers are read from and written to. The caller's side of the codec:
 * getters may be lazy (an ioctl each, cached for the stop), because only what is asked for is touched.
 */
import type { DebugRegisters, GeneralRegisters, SystemRegisters } from './cpu-state.js';
import type { LinearReader } from './descriptors.js';
import type { XsaveLayout } from './xsave.js';

export interface RegisterFile {
  readonly regs: Readonly<GeneralRegisters>;
  readonly sregs: Readonly<SystemRegisters>;
  readonly debug: Readonly<DebugRegisters>;
  /** XSAVE area in standard format; not modified. */
  readonly xsave: Uint8Array;
  readonly xsaveLayout: XsaveLayout;
  readonly xcr0: bigint;
  /** Undefined where the host has no such MSR: shown as 0, and not writable. */
  msr(index: number): bigint | undefined;
  /** Reads descriptor tables, for a write to a selector. */
  readonly readLinear: LinearReader;
}

/**
 * Takes changes. What was set must be what the `RegisterFile` returns afterwards: a `G` block changes several parts
 * of one register in turn.
 */
export interface RegisterSink {
  setGeneral(name: keyof GeneralRegisters, value: bigint): void;
  setSystem(change: Partial<SystemRegisters>): void;
  setDebug(debug: DebugRegisters): void;
  /** A whole area, the caller's to keep. */
  setXsave(xsave: Uint8Array): void;
  setXcr0(value: bigint): void;
  setMsr(index: number, value: bigint): void;
}

/** A value that the processor would not take, or a register that cannot be written. `message` is one sentence. */
export class RegisterWriteError extends Error {
  override readonly name = 'RegisterWriteError';
}
