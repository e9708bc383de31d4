/** What a PC's interrupt controllers and PIT hold, as values, and how the kernel's say it (asm/kvm.h; datasheets of the 8259A, 82093AA and 8254). */
import { native } from '../native.js';

export interface PicState {
  /** Requested, masked, in service: bit n is input n. */
  readonly irr: number;
  readonly imr: number;
  readonly isr: number;
  /** The input with the highest priority now. */
  readonly highest: number;
  /** Vector of input 0. */
  readonly base: number;
  /** A read of the command port gives ISR instead of IRR. */
  readonly readsIsr: boolean;
  /** Inputs that are levels, not edges. */
  readonly elcr: number;
  readonly autoEoi: boolean;
  readonly specialMask: boolean;
  readonly fullyNested: boolean;
}

/** An entry of the IOAPIC's redirection table (82093AA datasheet, 3.2.4). */
export interface Redirection {
  readonly raw: bigint;
  readonly vector: number;
  /** 0 to 7. */
  readonly deliveryMode: number;
  readonly logical: boolean;
  readonly pending: boolean;
  readonly activeLow: boolean;
  readonly remoteIrr: boolean;
  readonly level: boolean;
  readonly masked: boolean;
  readonly destination: number;
}

export interface IoapicState {
  readonly address: bigint;
  readonly id: number;
  readonly selected: number;
  /** Requested: bit n is input n. */
  readonly irr: number;
  readonly redirections: readonly Redirection[];
}

export interface PitChannel {
  /** Programmed count; 0 counts as 65536. */
  readonly count: number;
  readonly mode: number;
  readonly bcd: boolean;
  readonly gate: boolean;
}

/** From a `struct kvm_irqchip`. */
export function picState(chip: Uint8Array): PicState {
  const { fields } = native().layout['kvm_pic_state'];
  const start = native().layout['kvm_irqchip'].fields['chip'].offset;
  const byte = (field: string): number => chip[start + fields[field].offset];
  return {
    irr: byte('irr'), imr: byte('imr'), isr: byte('isr'), highest: byte('priority_add') & 7, base: byte('irq_base'),
    readsIsr: byte('read_reg_select') !== 0, elcr: byte('elcr'), autoEoi: byte('auto_eoi') !== 0,
    specialMask: byte('special_mask') !== 0, fullyNested: byte('special_fully_nested_mode') !== 0,
  };
}

/** From a `struct kvm_irqchip`. */
export function ioapicState(chip: Uint8Array): IoapicState {
  const { fields } = native().layout['kvm_ioapic_state'];
  const view = new DataView(chip.buffer, chip.byteOffset + native().layout['kvm_irqchip'].fields['chip'].offset);
  const { offset, size } = fields['redirtbl'];
  return {
    address: view.getBigUint64(fields['base_address'].offset, true),
    id: view.getUint32(fields['id'].offset, true),
    selected: view.getUint32(fields['ioregsel'].offset, true),
    irr: view.getUint32(fields['irr'].offset, true),
    redirections: Array.from({ length: size / 8 }, (_, pin) => redirection(view.getBigUint64(offset + 8 * pin, true))),
  };
}

/** From an entry of the redirection table. */
export function redirection(raw: bigint): Redirection {
  const low = Number(raw & 0xffff_ffffn);
  const bit = (n: number): boolean => (low & (1 << n)) !== 0;
  return {
    raw, vector: low & 0xff, deliveryMode: (low >> 8) & 7, logical: bit(11), pending: bit(12), activeLow: bit(13),
    remoteIrr: bit(14), level: bit(15), masked: bit(16), destination: Number(raw >> 56n),
  };
}

/** The three channels of a `struct kvm_pit_state2`. */
export function pitChannels(pit: Uint8Array): readonly PitChannel[] {
  const { layout } = native();
  const { size, fields } = layout['kvm_pit_channel_state'];
  const { offset } = layout['kvm_pit_state2'].fields['channels'];
  const view = new DataView(pit.buffer, pit.byteOffset + offset);
  return [0, 1, 2].map((channel) => {
    const at = channel * size;
    return {
      count: view.getUint32(at + fields['count'].offset, true), mode: view.getUint8(at + fields['mode'].offset),
      bcd: view.getUint8(at + fields['bcd'].offset) !== 0, gate: view.getUint8(at + fields['gate'].offset) !== 0,
    };
  });
}
