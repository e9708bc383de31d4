/** Processor states for the tests of this folder. */
import type { GeneralRegisters, Segment, SystemRegisters } from '../../../src/x86/cpu-state.js';
import { GENERAL_REGISTER_NAMES } from '../../../src/x86/cpu-state.js';

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
