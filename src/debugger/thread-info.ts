/** What `info threads` says of a vCPU. */
import type { ThreadInfo } from '../target.js';
import type { Cpu } from './cpu.js';
import { isHaltedInKernel, waitsForSipi } from './mp-state.js';

const WAITING = 'waiting for SIPI';

/** `isRunning`: the client knows it as running (non-stop), be it held or not. `inKernel`: HLT and SIPI are waited for there. */
export function threadInfo(cpu: Cpu, now: { readonly isRunning: boolean; readonly inKernel: boolean }): ThreadInfo {
  const state = stateOf(cpu, now);
  return { id: cpu.thread, name: `cpu${cpu.thread - 1}`, state, isStarted: state !== WAITING };
}

function stateOf({ view, halted, runner }: Cpu, { isRunning, inKernel }: Parameters<typeof threadInfo>[1]): string {
  if (runner.active || isRunning) return 'running';
  if (inKernel && waitsForSipi(view.vcpu)) return WAITING;
  return `${halted || (inKernel && isHaltedInKernel(view.vcpu)) ? 'halted' : 'stopped'} ${view.mode.name}`;
}
