/** The jobs of one resume, up to the moment before the first vCPU enters the guest. */
import type { ResumeAction } from '../target.js';
import type { Cpu } from './cpu.js';
import type { Job, JobStart, JobStop } from './job.js';

export interface MadeJob {
  readonly cpu: Cpu;
  readonly action: ResumeAction;
  readonly job: Job;
}

export interface Start {
  readonly cpu: Cpu;
  readonly action: ResumeAction;
  readonly start: Exclude<JobStart, JobStop>;
}

export interface BeginHooks {
  /** A job's vCPU stands where it stops. */
  readonly stopped: (cpu: Cpu, stop: JobStop) => void;
  /** A stop is decided: no further job begins. */
  readonly isParking: () => boolean;
}

/**
 * Has all of them plant, and then each begin: one whose vCPU stands at a patch must know of it, also where another's job has
 * planted it (decision 20). Returns those that go on, in the order of `jobs`. Throws what jobs throw.
 */
export function beginJobs(jobs: readonly MadeJob[], { stopped, isParking }: BeginHooks): readonly Start[] {
  for (const { job } of jobs) job.plant();
  const starts: Start[] = [];
  for (const { cpu, action, job } of jobs) {
    if (isParking()) break;
    cpu.job = job;
    const start = job.begin();
    if (start.kind === 'stop') stopped(cpu, start);
    else starts.push({ cpu, action, start });
  }
  return starts;
}
