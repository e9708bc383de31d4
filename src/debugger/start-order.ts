/**
 * In which order the threads of a resume enter the guest: as the client names them, so that a step is over before the others have
 * begun (decision 20). But who steps through a loop that waits for another CPU would wait for ever, so now and then the others begin.
 */
import type { ResumeAction } from '../target.js';

/** Quick enough for a person who types `next`, and rare for a script. */
const PASSED_OVER_MILLISECONDS = 20;

export class StartOrder {
  /** When threads that run beside a step were last in the guest, or there were none. */
  private ran = 0;

  of<S extends { readonly action: ResumeAction }>(starts: readonly S[], now = performance.now()): readonly S[] {
    const others = starts.filter(({ action }) => action.kind === 'continue');
    const isMixed = others.length > 0 && others.length < starts.length;
    if (isMixed && now - this.ran < PASSED_OVER_MILLISECONDS) return starts;
    this.ran = now;
    return isMixed ? [...others, ...starts.filter(({ action }) => action.kind !== 'continue')] : starts;
  }
}
