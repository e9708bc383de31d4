/** An interrupt that a processor has taken from the 8259s in the kernel, and gives back before its handler has begun. */
import { native } from '../native.js';

/** The master's input that the slave drives. */
const CASCADE = 2;
const INPUTS = 8;

/**
 * In the `struct kvm_irqchip` of master and slave: the vector's input is requested again, and not in service. False where none of theirs
 * is; with automatic EOI, which keeps no record, where it is none of their vectors.
 */
export function requestAgain(master: Uint8Array, slave: Uint8Array, vector: number): boolean {
  if (isGivenBack(master, vector - at(master, 'irq_base'))) return true;
  if (!isGivenBack(slave, vector - at(slave, 'irq_base'))) return false;
  isGivenBack(master, CASCADE);
  return true;
}

function isGivenBack(pic: Uint8Array, input: number): boolean {
  const bit = 1 << input;
  if (input < 0 || input >= INPUTS || (at(pic, 'auto_eoi') === 0 && (at(pic, 'isr') & bit) === 0)) return false;
  pic[offsetOf('isr')] &= ~bit;
  pic[offsetOf('irr')] |= bit;
  return true;
}

function at(pic: Uint8Array, field: string): number {
  return pic[offsetOf(field)];
}

function offsetOf(field: string): number {
  const { layout } = native();
  return layout['kvm_irqchip'].fields['chip'].offset + layout['kvm_pic_state'].fields[field].offset;
}
