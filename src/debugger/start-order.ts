/**
 * In which order the threads of a resume enter the guest, and whom of them the server waits for (decision 20). A step is over before the
 * others have begun; but who steps through a loop that waits for another CPU would wait for ever, so now and then the others begin.
 * Threads that all continue take turns at being the first: where it stops while it is waited for, the others do not begin.
 */
import type { Start } from './begin-jobs.js';

/** Quick enough for a person who types `next`, and rare for a script. */
const PASSED_OVER_MILLISECONDS = 20;

export class StartOrder {
  /** When threads that run beside a step were last in the guest, or there were none. */
  private ran = 0;
  private turn = 0;

  /** `starts` in that order. Only the first, and each step, keeps its plan's wait: else eight that run on would begin milliseconds apart. */
  of<S extends Pick<Start, 'action' | 'start'>>(starts: readonly S[], now = performance.now()): readonly S[] {
    return this.inOrder(starts, now).map((start, i) => (i === 0 || start.action.kind !== 'continue' ? start : { ...start, start: unwaited(start.start) }));
  }

  private inOrder<S extends Pick<Start, 'action'>>(starts: readonly S[], now: number): readonly S[] {
    const others = starts.filter(({ action }) => action.kind === 'continue');
    const isMixed = others.length > 0 && others.length < starts.length;
    if (isMixed && now - this.ran < PASSED_OVER_MILLISECONDS) return starts;
    this.ran = now;
    if (isMixed) return [...others, ...starts.filter(({ action }) => action.kind !== 'continue')];
    const first = starts.length > 1 ? this.turn++ % starts.length : 0;
    return [...starts.slice(first), ...starts.slice(0, first)];
  }
}

function unwaited(start: Start['start']): Start['start'] {
  return start.kind === 'again' ? { ...start, plan: { ...start.plan, waitMicroseconds: 0 } } : start;
}
