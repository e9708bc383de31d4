/** One vCPU under run control. */
import type { ThreadId } from '../target.js';
import type { CpuView } from './cpu-view.js';
import type { Job } from './job.js';
import type { LastRegisters } from './last-registers.js';
import type { VcpuRunner } from './vcpu-runner.js';

export interface Cpu {
  readonly thread: ThreadId;
  readonly view: CpuView;
  readonly runner: VcpuRunner;
  readonly lastRegisters: LastRegisters;
  job: Job | undefined;
  /** In HLT with nothing running; goes on only by an interrupt, a step or a reset. */
  halted: boolean;
}
