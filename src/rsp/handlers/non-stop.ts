/** `QNonStop vStopped vCtrlC`: threads that stop one by one (gdb manual, "Remote Non-Stop", "Notification Packets"). */
import { TargetError } from '../../target.js';
import type { CommandSpec } from '../command-spec.js';
import { PacketReader } from '../packet-reader.js';
import type { SessionState } from '../session-state.js';
import { whenStopped } from '../stop-guest.js';

function chooseMode(session: SessionState, args: Buffer): undefined {
  const reader = new PacketReader(args);
  reader.expect(':', 'after QNonStop');
  const value = reader.number('0 or 1');
  reader.expectEnd('the mode');
  if (value > 1) throw new TargetError('QNonStop takes 0 or 1.');
  whenStopped(session.target, () => {
    session.nonStop = value === 1;
    session.send('OK');
  });
  return undefined;
}

const hasNonStop: CommandSpec['available'] = (target) => target.nonStop !== undefined;

export const nonStopCommands: readonly CommandSpec[] = [
  { name: 'QNonStop', available: hasNonStop, handle: chooseMode, features: () => ['QNonStop+'], whileRunning: true },
  { name: 'vStopped', available: hasNonStop, handle: (session) => session.notifications.next(), whileRunning: true },
  {
    name: 'vCtrlC',
    available: hasNonStop,
    handle: (session) => {
      // The stop can come at once, and not before the reply.
      session.afterReply(() => session.interrupt());
      return 'OK';
    },
    whileRunning: true,
  },
];
