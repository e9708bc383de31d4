/** What cannot be a machine, said before anything is opened. */
import { totalmem } from 'node:os';
import type { LoadedGuest } from './boot/boot-options.js';
import type { MachineOptions } from './machine-options.js';
import { checkRamSize } from './memory-size.js';
import { EFER_LMA } from '../x86/cpu-mode.js';

const MAXIMUM_CPUS = 64;
/** CPUID features without which KVM does not take the registers of long mode. */
const LONG_MODE_NEEDS: readonly string[] = ['lm', 'pae'];

/** Throws RangeError with one sentence. */
export function checkMachineOptions({ irqchip = 'none', firmware }: MachineOptions, memory: number, cpus: number): void {
  checkRamSize(memory, totalmem());
  if (!Number.isInteger(cpus) || cpus < 1 || cpus > MAXIMUM_CPUS) throw new RangeError(`A machine has 1 to ${MAXIMUM_CPUS} CPUs, not ${cpus}.`);
  if (cpus > 1 && irqchip === 'none') {
    throw new RangeError('More than one CPU needs an interrupt controller to start the others; add --irqchip kernel or split.');
  }
  if (firmware !== undefined && irqchip === 'none') throw new RangeError('Firmware needs the interrupt controllers of a PC; add --irqchip kernel or split.');
}

/** Throws RangeError where the features that were left out keep the guest from starting. */
export function checkLongMode(guest: LoadedGuest | undefined, { cpu }: MachineOptions): void {
  const lost = guest === undefined || (guest.cpu.sregs.efer & EFER_LMA) === 0n ? undefined : LONG_MODE_NEEDS.find((name) => cpu?.remove.includes(name));
  if (lost !== undefined) throw new RangeError(`This guest starts in long mode, which needs ${lost}; leave -${lost} out of --cpu.`);
}
