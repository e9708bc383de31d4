/** `H T qC qfThreadInfo qsThreadInfo qThreadExtraInfo`: the vCPUs as threads (gdb manual, "General Query Packets"). */
import { TargetError } from '../../target.js';
import type { CommandSpec } from '../command-spec.js';
import { textToHex } from '../hex.js';
import { PacketReader } from '../packet-reader.js';
import type { SessionState } from '../session-state.js';
import { formatThreadId, readThreadId } from '../thread-ids.js';

function choose(session: SessionState, args: Buffer): string {
  const reader = new PacketReader(args);
  const forResume = reader.skip('c');
  if (!forResume) reader.expect('g', 'or "c" after H');
  const selector = readThreadId(reader);
  reader.expectEnd('the thread id');
  const thread = session.threadFor(selector);
  if (forResume) session.resumeThreads = selector;
  else session.generalThread = thread;
  return 'OK';
}

function isAlive(session: SessionState, args: Buffer): string {
  session.threadFor(readThreadId(new PacketReader(args)));
  return session.isOver ? 'E01' : 'OK';
}

function list(session: SessionState): string {
  if (session.isOver) return 'l';
  return `m${session.threadIds.map((id) => formatThreadId(id, session.client.multiprocess)).join(',')}`;
}

function describe(session: SessionState, args: Buffer): string {
  const reader = new PacketReader(args);
  reader.expect(',', 'before the thread id');
  const id = session.threadFor(readThreadId(reader));
  const thread = session.target.threads().find((candidate) => candidate.id === id);
  if (thread === undefined) throw new TargetError('There is no such thread.');
  return textToHex(`${thread.name} (${thread.state})`);
}

export const threadCommands: readonly CommandSpec[] = [
  { name: 'H', handle: choose, whileRunning: true },
  { name: 'T', handle: isAlive, whileRunning: true },
  {
    name: 'qC',
    handle: (session) => (session.isOver ? '' : `QC${formatThreadId(session.generalThread, session.client.multiprocess)}`),
    whileRunning: true,
  },
  { name: 'qfThreadInfo', handle: list, whileRunning: true },
  { name: 'qsThreadInfo', handle: () => 'l', whileRunning: true },
  { name: 'qThreadExtraInfo', handle: describe, whileRunning: true },
];
