/** One vCPU under run control. */
import type { ThreadId } from '../target.js';
import type { Machine } from '../vmm/machine.js';
import type { CpuView } from './cpu-view.js';
import type { DebugLog } from './debug-log.js';
import type { Job } from './job.js';
import { LastRegisters } from './last-registers.js';
import { VcpuRunner, type RunnerHooks } from './vcpu-runner.js';

export interface Cpu {
  readonly thread: ThreadId;
  readonly view: CpuView;
  readonly runner: VcpuRunner;
  readonly lastRegisters: LastRegisters;
  job: Job | undefined;
  /** In HLT with nothing running; goes on only by an interrupt, a step or a reset. */
  halted: boolean;
}

export function createCpu(view: CpuView, machine: Machine, hooks: RunnerHooks, log: DebugLog): Cpu {
  const { vcpu } = view;
  return {
    thread: vcpu.id + 1, view, runner: new VcpuRunner(vcpu, machine, hooks, log), lastRegisters: new LastRegisters(vcpu),
    job: undefined, halted: false,
  };
}
