/**
 * What a target description is made of: registers with their type, group and source, and the type definitions that
 * gdb needs to show them (gdb manual, appendix G "Target Descriptions").
 */
import type { GeneralRegisterName, SegmentName } from './cpu-state.js';
import type { XsaveField } from './xsave.js';

/** Where a register's value lives. */
export type RegisterSource =
  /** `bits` of a general register: 64, or 32 for an alias of its low half. */
  | { readonly kind: 'gpr'; readonly name: Exclude<GeneralRegisterName, 'rip' | 'rflags'>; readonly bits: 32 | 64 }
  /** CS.base + IP: what gdb takes for the pc. */
  | { readonly kind: 'pc'; readonly bits: 32 | 64 }
  | { readonly kind: 'eflags' }
  | { readonly kind: 'segment'; readonly name: SegmentName; readonly part: 'selector' | 'base' | 'limit' }
  /** Base and limit together, as the struct `{ base: 8 bytes, limit: 4 bytes }`. */
  | { readonly kind: 'table'; readonly name: 'gdt' | 'idt' }
  | { readonly kind: 'cr'; readonly n: 0 | 2 | 3 | 4 | 8 }
  | { readonly kind: 'efer' }
  | { readonly kind: 'apic-base' }
  | { readonly kind: 'dr'; readonly n: 0 | 1 | 2 | 3 | 6 | 7 }
  | { readonly kind: 'xcr0' }
  | { readonly kind: 'msr'; readonly index: number }
  | { readonly kind: 'xsave'; readonly field: XsaveField }
  /** Mode code in bits 3:0, CPL in bits 5:4, unreal in bit 6, a stack of another width in bits 7 and 8. Read only. */
  | { readonly kind: 'mode' };

/** A register before it has a number and an offset. */
export interface RegisterDefinition {
  readonly name: string;
  readonly bits: number;
  readonly type: string;
  readonly source: RegisterSource;
  /** gdb's register group; none lets gdb decide by type. */
  readonly group?: string;
  /** False for aliases: gdb need not save them around a call of a guest function. */
  readonly saveRestore?: false;
}

/** A bit-field: `[name, bit]` for one bit, `[name, start, end]` or `[name, start, end, type]` for more. */
export type FieldDefinition =
  | readonly [name: string, bit: number]
  | readonly [name: string, start: number, end: number]
  | readonly [name: string, start: number, end: number, type: string];

export type TypeDefinition =
  | { readonly kind: 'flags'; readonly id: string; readonly size: 4 | 8; readonly fields: readonly FieldDefinition[] }
  | { readonly kind: 'enum'; readonly id: string; readonly size: 4 | 8; readonly values: readonly (readonly [string, number])[] }
  | { readonly kind: 'struct'; readonly id: string; readonly fields: readonly (readonly [name: string, type: string])[] }
  | { readonly kind: 'union'; readonly id: string; readonly fields: readonly (readonly [name: string, type: string])[] }
  | { readonly kind: 'vector'; readonly id: string; readonly type: string; readonly count: number };

export interface FeatureDefinition {
  readonly name: string;
  readonly types: readonly TypeDefinition[];
  readonly registers: readonly RegisterDefinition[];
}

/** A register of a finished description. */
export interface X86Register {
  readonly name: string;
  /** gdb's number: the index in `registers`. */
  readonly regnum: number;
  /** Bytes from the start of the `g` block, and bytes in it. */
  readonly offset: number;
  readonly size: number;
  readonly source: RegisterSource;
}

/** Structurally a `TargetDescription` of the target vocabulary, with each register's source. */
export interface X86TargetDescription {
  readonly xml: string;
  readonly registers: readonly X86Register[];
  readonly size: number;
  readonly expedited: readonly number[];
  readonly pc: number;
}
