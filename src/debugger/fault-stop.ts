/** The stop at an exit after which a vCPU cannot go on, with its registers as far as the host has kept them. */
import type { StopEvent } from '../target.js';
import type { Exit } from '../vmm/exit.js';
import type { CpuCatching } from './catch/cpu-catching.js';
import type { CpuView } from './cpu-view.js';
import { describeFault } from './fault-text.js';
import type { LastRegisters } from './last-registers.js';
import { refusedPaging } from './refused-paging.js';

export interface FaultyCpu {
  readonly thread: number;
  readonly view: CpuView;
  readonly lastRegisters: LastRegisters;
}

export function faultStop({ thread, view, lastRegisters }: FaultyCpu, exit: Exit, catching: CpuCatching): StopEvent & { readonly text: string } {
  const lost = exit.reason === 'shutdown' && lastRegisters.restoreIfReset();
  if (lost) view.invalidate();
  const place = { cpu: `cpu${thread - 1}`, where: view.where, registersRestored: lost, hasMemory: view.memory.read(view.pc, 1).length > 0 };
  const fault = describeFault(exit, place) ?? { signal: 'SIGTRAP' as const, text: `${place.cpu} left the guest at ${place.where}: ${exit.reason}.` };
  const cause = exit.reason === 'shutdown' && !lost ? refusedPaging(view) : undefined;
  const text = cause === undefined ? fault.text : `${fault.text} ${cause}`;
  const caught = exit.reason === 'shutdown' ? catching.tripleFault() : undefined;
  if (caught === undefined) return { thread, reason: { kind: 'fault', signal: fault.signal }, text };
  return { thread, reason: { kind: 'fault', signal: 'SIGTRAP' }, text: `${text} ${caught}` };
}
