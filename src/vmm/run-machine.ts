/**
 * Runs a machine without a debugger: every vCPU goes on, devices are served, until something ends the run.
 */
import type { MachineEvent } from './device.js';
import type { Exit } from './exit.js';
import type { Machine } from './machine.js';
import type { RunPlan } from './run-plan.js';
import type { Vcpu } from './vcpu.js';

export type RunEnd =
  /** The guest switched itself off or reset itself. */
  | { readonly kind: 'event'; readonly event: MachineEvent }
  /** An exit that no device serves (`hlt`, `shutdown`, …). Valid until that vCPU runs again. */
  | { readonly kind: 'exit'; readonly vcpu: Vcpu; readonly exit: Exit }
  | { readonly kind: 'timeout' };

const WAIT_MICROSECONDS = 200;
/** How long devices are served without a turn of the event loop. */
const BURST_MILLISECONDS = 4;

/**
 * Runs until the guest ends or a vCPU exits with something else than a device access, at most `timeoutMilliseconds`.
 * When the promise resolves no vCPU is running.
 */
export async function runUntilEnd(machine: Machine, timeoutMilliseconds: number): Promise<RunEnd> {
  let end: RunEnd | undefined;
  const finish = (reason: RunEnd): void => {
    if (end !== undefined) return;
    end = reason;
    for (const vcpu of machine.vcpus) vcpu.kick();
  };
  const timer = setTimeout(() => finish({ kind: 'timeout' }), timeoutMilliseconds);
  try {
    await Promise.all(machine.vcpus.map((vcpu) => runVcpu(machine, vcpu, () => end !== undefined, finish)));
  } finally {
    clearTimeout(timer);
  }
  return end ?? { kind: 'timeout' };
}

async function runVcpu(machine: Machine, vcpu: Vcpu, ended: () => boolean, finish: (end: RunEnd) => void): Promise<void> {
  let burst = performance.now();
  for (let fresh = true; !ended(); fresh = false) {
    if (performance.now() - burst > BURST_MILLISECONDS) {
      await new Promise((resolve) => setImmediate(resolve));
      burst = performance.now();
    }
    const plan: RunPlan = { mode: 'continue', waitMicroseconds: WAIT_MICROSECONDS, fresh };
    const exit = await new Promise<Exit>((resolve) => { vcpu.run(plan, resolve); });
    if (exit.reason === 'kicked') continue;
    if (machine.serve(vcpu, exit) === 'resume') continue;
    const event = machine.takeEvent();
    finish(event === undefined ? { kind: 'exit', vcpu, exit } : { kind: 'event', event });
  }
}
