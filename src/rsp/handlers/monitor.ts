/** `qRcmd`: gdb's `monitor` command; text goes out in `O` packets, then `OK` (gdb manual, "General Query Packets"). */
import { TargetError } from '../../target.js';
import type { CommandSpec } from '../command-spec.js';
import { PacketReader } from '../packet-reader.js';
import type { SessionState } from '../session-state.js';

function execute(session: SessionState, args: Buffer): string {
  const reader = new PacketReader(args);
  reader.expect(',', 'before the command');
  const command = Buffer.from(reader.hexRest('The command')).toString('utf8');
  const write = (text: string): void => session.sendConsole(text);
  const missed = session.takeUnshown();
  if (missed !== '') write(missed);
  const subscription = session.target.onConsole(write);
  session.isMonitoring = true;
  try {
    session.target.monitor?.execute(command, write);
  } catch (error) {
    // gdb 13 shows neither `E01` nor `E.text` as more than "Protocol error with Rcmd".
    if (!(error instanceof TargetError)) throw error;
    write(`${error.message}\n`);
  } finally {
    session.isMonitoring = false;
    subscription.dispose();
  }
  return 'OK';
}

export const monitorCommands: readonly CommandSpec[] = [
  { name: 'qRcmd', available: (target) => target.monitor !== undefined, handle: execute },
];
