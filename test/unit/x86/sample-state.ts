/** Processor states for the tests of this folder. */
import {
  GENERAL_REGISTER_NAMES, type DebugRegisters, type GeneralRegisters, type Segment, type SystemRegisters,
} from '../../../src/x86/cpu-state.js';
import type { LinearReader } from '../../../src/x86/descriptors.js';
import type { RegisterFile, RegisterSink } from '../../../src/x86/register-file.js';
import { xsaveLayout, type XsaveLayout } from '../../../src/x86/xsave.js';

/** A flat 16-bit segment as after reset, with changes. */
export function segment(changes: Partial<Segment> = {}): Segment {
  return {
    selector: 0, base: 0n, limit: 0xffff, type: 3, present: 1, dpl: 0, db: 0, s: 1, l: 0, g: 0, avl: 0, unusable: 0,
    ...changes,
  };
}

/** Real mode at 0000:0000, with changes. */
export function systemRegisters(changes: Partial<SystemRegisters> = {}): SystemRegisters {
  return {
    cs: segment({ type: 11 }), ds: segment(), es: segment(), fs: segment(), gs: segment(), ss: segment(),
    tr: segment({ type: 11, s: 0 }), ldt: segment({ type: 2, s: 0, unusable: 1 }),
    gdt: { base: 0n, limit: 0xffff }, idt: { base: 0n, limit: 0x3ff },
    cr0: 0x10n, cr2: 0n, cr3: 0n, cr4: 0n, cr8: 0n, efer: 0n, apicBase: 0xfee0_0900n,
    ...changes,
  };
}

export function generalRegisters(changes: Partial<GeneralRegisters> = {}): GeneralRegisters {
  const registers = Object.fromEntries(GENERAL_REGISTER_NAMES.map((name) => [name, 0n])) as GeneralRegisters;
  return { ...registers, rflags: 2n, ...changes };
}

/** The byte-wise memory that descriptor code reads: undefined outside `bytes`. */
export function reader(bytes: Uint8Array, base = 0n): (address: bigint, length: number) => Uint8Array | undefined {
  return (address, length) => {
    const offset = Number(address - base);
    return offset >= 0 && offset + length <= bytes.length ? bytes.subarray(offset, offset + length) : undefined;
  };
}

/** Offsets as processors with AVX-512 and protection keys have them; the area has 2696 bytes. */
export function sampleLayout(): XsaveLayout {
  return xsaveLayout([
    { component: 2, offset: 576, size: 256 }, { component: 5, offset: 1088, size: 64 },
    { component: 6, offset: 1152, size: 512 }, { component: 7, offset: 1664, size: 1024 },
    { component: 9, offset: 2688, size: 8 },
  ], 2696);
}

/** A register file that keeps what is set: the state of one vCPU as plain objects. */
export class PlainCpu implements RegisterFile, RegisterSink {
  regs = generalRegisters();
  sregs = systemRegisters();
  debug: DebugRegisters = { db: [0n, 0n, 0n, 0n], dr6: 0xffff_0ff0n, dr7: 0x400n };
  xsave = new Uint8Array(2696);
  readonly xsaveLayout = sampleLayout();
  xcr0 = 1n;
  readonly msrs = new Map<number, bigint>();
  /** Names of what was set, in order. */
  readonly writes: string[] = [];
  memory = new Uint8Array(0);

  readonly readLinear: LinearReader = (address, length) => reader(this.memory)(address, length);

  msr(index: number): bigint | undefined {
    return this.msrs.get(index);
  }

  setGeneral(name: keyof GeneralRegisters, value: bigint): void {
    this.writes.push(name);
    this.regs[name] = value;
  }

  setSystem(change: Partial<SystemRegisters>): void {
    this.writes.push(...Object.keys(change));
    Object.assign(this.sregs, change);
  }

  setDebug(debug: DebugRegisters): void {
    this.writes.push('debug');
    this.debug = debug;
  }

  setXsave(xsave: Uint8Array): void {
    this.writes.push('xsave');
    this.xsave = xsave as Uint8Array<ArrayBuffer>;
  }

  setXcr0(value: bigint): void {
    this.writes.push('xcr0');
    this.xcr0 = value;
  }

  setMsr(index: number, value: bigint): void {
    this.writes.push(`msr ${index.toString(16)}`);
    this.msrs.set(index, value);
  }
}
