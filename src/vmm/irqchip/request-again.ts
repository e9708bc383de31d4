/** An interrupt that a processor has taken from the 8259s in the kernel, and gives back before its handler has begun. */
import { native } from '../native.js';
import { picState } from './chip-state.js';

/** The master's input that the slave drives. */
const CASCADE = 2;
const INPUTS = 8;

/**
 * In the `struct kvm_irqchip` of master and slave: the vector's input is requested again, and not in service. False where none of theirs
 * is; with automatic EOI, which keeps no record, where it is none of their vectors.
 */
export function requestAgain(master: Uint8Array, slave: Uint8Array, vector: number): boolean {
  if (isGivenBack(master, vector - picState(master).base)) return true;
  if (!isGivenBack(slave, vector - picState(slave).base)) return false;
  isGivenBack(master, CASCADE);
  return true;
}

function isGivenBack(pic: Uint8Array, input: number): boolean {
  const { irr, isr, elcr, autoEoi } = picState(pic);
  const bit = 1 << input;
  if (input < 0 || input >= INPUTS || (!autoEoi && (isr & bit) === 0)) return false;
  const { layout } = native();
  const at = (field: string): number => layout['kvm_irqchip'].fields['chip'].offset + layout['kvm_pic_state'].fields[field].offset;
  pic[at('isr')] = isr & ~bit;
  // A level is a request as long as it lasts, and may be over.
  if ((elcr & bit) === 0) pic[at('irr')] = irr | bit;
  return true;
}
