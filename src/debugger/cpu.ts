/** One vCPU under run control, and the order in which several are started. */
import type { ResumeAction, ThreadId } from '../target.js';
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

/**
 * Steps first, as the client ordered them; then those that go on, beginning behind the thread that stopped last, so that
 * none is kept waiting for ever by one that stops again at once.
 */
export function startOrder(actions: readonly ResumeAction[], stopped: ThreadId, threads: number): ResumeAction[] {
  const turn = ({ kind, thread }: ResumeAction): number => (kind === 'continue' ? (thread - stopped - 1 + threads) % threads : -1);
  return [...actions].sort((a, b) => turn(a) - turn(b));
}
