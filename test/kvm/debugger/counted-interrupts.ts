/** Real-mode code of guests whose processors count the interrupts that they take, each for itself, by their local APICs (SDM vol. 3A, 11.12: x2APIC). */
import type { MachineUnderDebug } from './machine-under-debug.js';

/** Interrupts that processor n has taken: the word at COUNTS + 2n. */
const COUNTS = 0x600;

/** Machine code from hexadecimal digits, in which blanks mean nothing. */
export function code(...hex: string[]): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.join('').replaceAll(' ', ''), 'hex'));
}

/** xor ax,ax; mov ds,ax; mov ss,ax */
export const FLAT_SEGMENTS = '31c0 8ed8 8ed0';
/** x2APIC on, and enabled: MSRs 1B and 80F. EDX is 0 behind it. */
export const X2APIC = '66b91b000000 0f32 0d000c 0f30 66b90f080000 66b8ff010000 6631d2 0f30';
/** mov sp,7000 - (id << 8) */
export const OWN_STACK = '66b902080000 0f32 c1e008 bc0070 29c4';

/** An interrupt's handler: inc word [COUNTS + 2 * id], then `rest`, which may use EAX, ECX, EDX and BX and ends the interrupt. */
export function countingHandler(rest: string): Uint8Array {
  return code('6650 6651 6652 53 66b902080000 0f32 89c3 01db ff870006', rest, '5b 665a 6659 6658 cf');
}

export function counts({ machine }: MachineUnderDebug): number[] {
  const view = new DataView(machine.memory.read(COUNTS, 2 * machine.vcpus.length).buffer);
  return machine.vcpus.map((_, i) => view.getUint16(2 * i, true));
}
