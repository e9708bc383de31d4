/** Bringing a guest to rest and letting it go: used when clients come, leave, attach or restart. */
import { TargetError } from '../target.js';
import type { DebugTarget } from '../target.js';

/** Calls `then` when all of the guest stands: at once if it does, else after an interrupt. */
export function whenStopped(target: DebugTarget, then: () => void): void {
  if (!target.running) {
    then();
    return;
  }
  let isOneByOne = false;
  const ask = (): void => {
    isOneByOne = target.nonStop?.enabled === true;
    target.interrupt();
  };
  const subscription = target.onStop(() => {
    if (target.running) {
      // In non-stop the others are still being stopped. In all-stop somebody else who waited has let it run again.
      if (!isOneByOne) ask();
      return;
    }
    subscription.dispose();
    then();
  });
  ask();
}

/** Has the guest stand as a new client expects it, in all-stop and without breakpoints, and then calls `then`. */
export function whenAtRest(target: DebugTarget, then: () => void = () => undefined): void {
  whenStopped(target, () => {
    if (target.nonStop !== undefined) target.nonStop.enabled = false;
    target.breakpoints?.clear();
    then();
  });
}

/** Lets every vCPU run, unless the guest has ended. It must stand. */
export function letRun(target: DebugTarget): void {
  if (hasEnded(target)) return;
  try {
    target.resume(target.threads().map(({ id }) => ({ kind: 'continue', thread: id })));
  } catch (error) {
    // A guest that cannot go on (after a triple fault, say) stays as it is: nobody is there to be told.
    if (!(error instanceof TargetError)) throw error;
  }
}

/** True when the guest has ended by itself or was killed. */
export function hasEnded(target: DebugTarget): boolean {
  const { kind } = target.lastStop.reason;
  return !target.running && (kind === 'exited' || kind === 'killed');
}
