/** The sentences of run control for the person at the console. */
import type { MachineEvent } from '../vmm/device.js';

/** Behind the sentence of a caught access that led to an event of the machine. */
export function eventToCome({ kind, cause }: MachineEvent): string {
  return `With the next resume the machine ${kind === 'reset' ? 'resets' : 'ends'} (${cause}).`;
}

export function deadHalt(cpu: string, where: string): string {
  return `${cpu} is halted at ${where} and nothing can wake it; interrupt (Ctrl-C) to look at it.\n`;
}
