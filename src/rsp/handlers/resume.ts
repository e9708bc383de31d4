/**
 * `vCont c C s S bc bs`: letting the guest run. All-stop: every stop stops all vCPUs, and the stop reply is the reply
 * to the packet (gdb manual, "Packets"). The stop may be reported before `resume` returns. Non-stop: the reply is `OK`, and stops
 * are notified.
 */
import { TargetError } from '../../target.js';
import type { ResumeAction, ThreadId } from '../../target.js';
import type { CommandSpec } from '../command-spec.js';
import { parseOldResume, parseVCont } from '../command-parser.js';
import type { VContAction } from '../command-parser.js';
import type { SessionState } from '../session-state.js';
import { formatStopReply } from '../stop-reply.js';
import { selects } from '../thread-ids.js';

/** Starts `go` with the client waiting for the stop; if it throws, nothing runs and the client gets the error. */
function awaitStop(session: SessionState, go: () => void): string | undefined {
  if (session.isOver) throw new TargetError('The guest has ended; "run" in extended-remote mode starts it again.');
  if (session.nonStop) {
    go();
    return 'OK';
  }
  if (session.takeInterrupt()) {
    return formatStopReply({ thread: session.generalThread, reason: { kind: 'interrupt' } }, session.target, session.client);
  }
  session.pending = 'resume';
  try {
    go();
  } catch (error) {
    session.pending = 'none';
    throw error;
  }
  return undefined;
}

/** All but those that run, as far as the client knows: a thread does until the client has taken its stop. */
function letGo(session: SessionState, actions: readonly ResumeAction[]): void {
  const { notifications, target } = session;
  const going = actions.filter(({ thread }) => !notifications.isUntold(thread) && target.nonStop?.isRunning(thread) !== true);
  if (going.length === 0) return;
  session.resumedThread = going[0].thread;
  target.resume(going);
}

function continueOrStepAll(session: SessionState, args: Buffer): string | undefined {
  const requested = parseVCont(args.subarray(1));
  // "the leftmost action with a matching thread-id is applied"
  const chosen = session.threadIds
    .map((thread) => ({ thread, index: requested.findIndex(({ threads }) => selects(threads, thread)) }))
    .filter(({ index }) => index >= 0)
    // Named first, first in the list: an interrupt is reported for the thread that the client was stepping.
    .sort((a, b) => a.index - b.index);
  if (chosen.length === 0) throw new TargetError('This vCont names no thread that is to run.');
  const toStop = chosen.filter(({ index }) => requested[index].verb === 'stop').map(({ thread }) => thread);
  if (toStop.length > 0 && !session.nonStop) throw new TargetError('The action t of vCont is for non-stop mode (QNonStop:1).');
  const actions = chosen.flatMap(({ thread, index }) => toAction(requested[index], thread) ?? []);
  return awaitStop(session, () => {
    letGo(session, actions);
    // Last, for the machine is held no longer than until somebody is stopped.
    if (toStop.length > 0) session.target.nonStop?.stop(toStop, 'requested');
  });
}

function toAction({ verb, start, end }: VContAction, thread: ThreadId): ResumeAction | undefined {
  if (verb === 'stop') return undefined;
  // An empty range is one step (gdb manual, "Packets", vCont).
  if (verb === 'range-step' && start !== end) return { kind: verb, thread, start, end };
  if (verb === 'range-step') return { kind: 'step', thread };
  return { kind: verb, thread };
}

/** `c s C S`: the threads that `Hc` chose; when it chose all, a step is one thread's and the others stay. */
function resumeOldWay(session: SessionState, args: Buffer, kind: 'continue' | 'step', withSignal: boolean): string | undefined {
  const { address } = parseOldResume(args, withSignal);
  const { target, resumeThreads, generalThread } = session;
  const threads =
    kind === 'step' && resumeThreads.thread <= 0
      ? [generalThread]
      : session.threadIds.filter((thread) => selects(resumeThreads, thread));
  if (address !== undefined) {
    const pc = target.description.registers[target.description.pc];
    if (pc === undefined) throw new TargetError('The target has no program counter.');
    const value = Buffer.alloc(8);
    value.writeBigUInt64LE(address);
    target.writeRegister(threads[0] ?? generalThread, pc.regnum, value.subarray(0, pc.size));
  }
  return awaitStop(session, () => letGo(session, threads.map((thread) => ({ kind, thread }))));
}

function reverse(kind: 'continue' | 'step', name: string, feature: string): CommandSpec {
  return {
    name,
    available: (target) => target.reverse !== undefined,
    handle: (session) => awaitStop(session, () => session.target.reverse?.reverse(session.generalThread, kind)),
    features: () => [feature],
    explains: true,
  };
}

export const resumeCommands: readonly CommandSpec[] = [
  { name: 'vCont?', handle: () => 'vCont;c;C;s;S;t;r' },
  { name: 'vCont', handle: continueOrStepAll, features: () => ['vContSupported+'], explains: true },
  { name: 'c', handle: (session, args) => resumeOldWay(session, args, 'continue', false) },
  { name: 'C', handle: (session, args) => resumeOldWay(session, args, 'continue', true) },
  { name: 's', handle: (session, args) => resumeOldWay(session, args, 'step', false) },
  { name: 'S', handle: (session, args) => resumeOldWay(session, args, 'step', true) },
  reverse('continue', 'bc', 'ReverseContinue+'),
  reverse('step', 'bs', 'ReverseStep+'),
];
