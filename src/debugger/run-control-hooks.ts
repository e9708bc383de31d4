/** What run control asks of its owner, and tells it. */
import type { ResumeAction, StopEvent } from '../target.js';
import type { Vcpu } from '../vmm/vcpu.js';
import type { Catching } from './catch/catching.js';
import type { Job } from './job.js';

export interface RunControlHooks {
  readonly catching: Catching;
  /** Makes the job for one action. Throws TargetError when the action is not possible. */
  makeJob(action: ResumeAction): Job;
  /** Every job has begun, and no vCPU runs yet. */
  onPlanted(): void;
  /** A vCPU is about to enter the guest. */
  onEnter(vcpu: Vcpu): void;
  /** Every vCPU is parked and memory is pristine; `stop` is undefined after a pause that nothing else ended. */
  onStop(stop: StopEvent | undefined): void;
  /** The guest has reset the machine: memory and registers are others now, and no vCPU runs. */
  onReset(): void;
  /** Text for gdb's console while the guest runs. */
  onText(text: string): void;
}
