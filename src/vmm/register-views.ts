/**
 * Views of `struct kvm_regs` and `struct kvm_sregs` in a buffer, in the form of x86/cpu-state.ts. A read is a DataView
 * read at the kernel's own offset: nothing is copied or decoded ahead.
 */
import {
  GENERAL_REGISTER_NAMES, SEGMENT_NAMES, type DescriptorTableRegister, type GeneralRegisters, type Segment,
  type SystemRegisters,
} from '../x86/cpu-state.js';
import type { Layout, StructLayout } from './native.js';

const CONTROL_NAMES = ['cr0', 'cr2', 'cr3', 'cr4', 'cr8', 'efer'] as const;
const SEGMENT_FIELDS = [
  'selector', 'base', 'limit', 'type', 'present', 'dpl', 'db', 's', 'l', 'g', 'avl', 'unusable',
] as const;

type Guard = () => void;
const NO_GUARD: Guard = () => undefined;

/** Adds a property that reads and writes the field at `offset`; `beforeWrite` may refuse by throwing. */
function defineField(
  target: object, name: string, view: DataView, offset: number, size: number, asBigint: boolean, beforeWrite: Guard,
): void {
  const accessors = asBigint
    ? {
        get: () => (size === 8 ? view.getBigUint64(offset, true) : BigInt(readNumber(view, offset, size))),
        set: (value: bigint) => {
          beforeWrite();
          view.setBigUint64(offset, value, true);
        },
      }
    : {
        get: () => readNumber(view, offset, size),
        set: (value: number) => {
          beforeWrite();
          writeNumber(view, offset, size, value);
        },
      };
  Object.defineProperty(target, name, { ...accessors, enumerable: true });
}

function readNumber(view: DataView, offset: number, size: number): number {
  return size === 1 ? view.getUint8(offset) : size === 2 ? view.getUint16(offset, true) : view.getUint32(offset, true);
}

function writeNumber(view: DataView, offset: number, size: number, value: number): void {
  if (size === 1) view.setUint8(offset, value);
  else if (size === 2) view.setUint16(offset, value, true);
  else view.setUint32(offset, value, true);
}

/** `struct kvm_regs` at `base`; `beforeWrite` is called before every write. Values are taken modulo 2^64. */
export function generalRegistersView(layout: Layout, view: DataView, base: number, beforeWrite: Guard): GeneralRegisters {
  const { fields } = layout['kvm_regs'];
  const registers = {};
  for (const name of GENERAL_REGISTER_NAMES) {
    const { offset, size } = fields[name];
    defineField(registers, name, view, base + offset, size, true, beforeWrite);
  }
  return registers as GeneralRegisters;
}

function segmentView(layout: StructLayout, view: DataView, base: number, guard: Guard): Segment {
  const segment = {};
  for (const name of SEGMENT_FIELDS) {
    const { offset, size } = layout.fields[name];
    defineField(segment, name, view, base + offset, size, name === 'base', guard);
  }
  return segment as Segment;
}

function tableView(layout: StructLayout, view: DataView, base: number, guard: Guard): DescriptorTableRegister {
  const table = {};
  for (const name of ['base', 'limit'] as const) {
    const { offset, size } = layout.fields[name];
    defineField(table, name, view, base + offset, size, name === 'base', guard);
  }
  return table as DescriptorTableRegister;
}

/** `struct kvm_sregs` at `base`. Assigning a segment or table copies its fields. */
export function systemRegistersView(layout: Layout, view: DataView, base: number, beforeWrite: Guard = NO_GUARD): SystemRegisters {
  const { fields } = layout['kvm_sregs'];
  const registers = {};
  for (const name of CONTROL_NAMES) {
    defineField(registers, name, view, base + fields[name].offset, fields[name].size, true, beforeWrite);
  }
  defineField(registers, 'apicBase', view, base + fields['apic_base'].offset, fields['apic_base'].size, true, beforeWrite);
  for (const name of [...SEGMENT_NAMES, 'gdt', 'idt'] as const) {
    const isTable = name === 'gdt' || name === 'idt';
    const at = base + fields[name].offset;
    const inner: object = isTable
      ? tableView(layout['kvm_dtable'], view, at, beforeWrite)
      : segmentView(layout['kvm_segment'], view, at, beforeWrite);
    Object.defineProperty(registers, name, {
      get: () => inner,
      set: (value: object) => { Object.assign(inner, value); },
      enumerable: true,
    });
  }
  return registers as SystemRegisters;
}
