/**
 * `! ? D k R vAttach vKill vRun`: how a session with the guest begins and ends (gdb manual, "Packets"). In extended
 * mode the server outlives the guest: after a kill, a detach or the guest's end there is nothing to debug until the
 * client runs or attaches again.
 */
import { TargetError } from '../../target.js';
import type { CommandSpec } from '../command-spec.js';
import { PacketReader } from '../packet-reader.js';
import type { SessionState } from '../session-state.js';
import { letRun, whenStopped } from '../stop-guest.js';
import { formatStanding } from '../stop-reply.js';
import { PROCESS_ID } from '../thread-ids.js';

function tellWhyStopped(session: SessionState): string | undefined {
  const { target, client } = session;
  if (session.vacant) return 'W00';
  if (session.nonStop) return listStanding(session);
  if (target.running) {
    session.pending = 'attach';
    target.interrupt();
    return undefined;
  }
  session.generalThread = target.lastStop.thread;
  return formatStanding(target.lastStop, target, client);
}

/**
 * The first of the threads that stand; `vStopped` takes the others. OK: all run. Those that no CPU has started are let go: they
 * execute nothing until one does, and would else wait for ever in a guest that needs them.
 */
function listStanding({ target, client, threadIds, notifications, isOver }: SessionState): string {
  const { lastStop } = target;
  const waiting = isOver || target.running ? [] : target.threads().filter(({ id, isStarted }) => isStarted === false && target.nonStop?.isRunning(id) === false);
  if (waiting.length > 0) target.resume(waiting.map(({ id }) => ({ kind: 'continue', thread: id })));
  const standing = isOver ? [lastStop.thread] : threadIds.filter((thread) => target.nonStop?.isRunning(thread) === false);
  const stops = standing.map((thread) => (thread === lastStop.thread ? lastStop : { thread, reason: { kind: 'step' } as const }));
  return notifications.restart(stops, (stop) => formatStanding(stop, target, client));
}

function checkProcess(args: Buffer): void {
  const reader = new PacketReader(args);
  if (reader.atEnd) return;
  reader.expect(';', 'before the process id');
  if (reader.number('a process id') !== PROCESS_ID) throw new TargetError(`The guest is process ${PROCESS_ID}.`);
}

function attach(session: SessionState, args: Buffer): string | undefined {
  checkProcess(args);
  session.vacant = false;
  session.wasKilled = false;
  // The client stops the threads itself.
  return session.nonStop ? 'OK' : tellWhyStopped(session);
}

/** Extended mode: nothing is debugged until the client attaches or runs. */
function leave(session: SessionState): void {
  session.vacant = true;
  session.notifications.clear();
}

function detach(session: SessionState, args: Buffer): string {
  checkProcess(args);
  session.afterReply(() => {
    session.pending = 'none';
    if (session.extended) {
      leave(session);
      // The client is still there, and so is the mode that it has chosen.
      whenStopped(session.target, () => {
        session.target.breakpoints?.clear();
        letRun(session.target);
      });
    } else session.hooks.onDetach();
  });
  return 'OK';
}

function kill(session: SessionState): void {
  session.pending = 'none';
  if (!session.extended) {
    session.hooks.onKill();
    return;
  }
  leave(session);
  session.wasKilled = true;
  whenStopped(session.target, () => session.target.breakpoints?.clear());
}

/** Resets the guest and then calls `then`, at once if the guest stands. */
function restart(session: SessionState, then: () => void): undefined {
  whenStopped(session.target, () => {
    session.target.reset();
    session.notifications.clear();
    session.vacant = false;
    session.wasKilled = false;
    session.generalThread = session.target.lastStop.thread;
    then();
  });
}

/** The file name and arguments of `vRun` do not matter: the guest is the one the server was started with. */
function run(session: SessionState): undefined {
  const { target, client } = session;
  return restart(session, () => session.send(formatStanding(target.lastStop, target, client)));
}

export const lifecycleCommands: readonly CommandSpec[] = [
  {
    name: '!',
    handle: (session) => {
      session.extended = true;
      return 'OK';
    },
    whileRunning: true,
  },
  { name: '?', handle: tellWhyStopped, whileRunning: true },
  { name: 'D', handle: detach, whileRunning: true },
  {
    name: 'k',
    handle: (session, args) => {
      if (args.length > 0) throw new TargetError('The packet k takes nothing.');
      session.afterReply(() => kill(session));
      return undefined;
    },
    whileRunning: true,
  },
  {
    name: 'vKill',
    handle: (session, args) => {
      checkProcess(args);
      session.afterReply(() => kill(session));
      return 'OK';
    },
    whileRunning: true,
  },
  // No reply: gdb asks `?` next.
  { name: 'R', handle: (session) => restart(session, () => undefined), whileRunning: true },
  { name: 'vRun', handle: run, whileRunning: true, explains: true },
  { name: 'vAttach', handle: attach, whileRunning: true, explains: true },
];
