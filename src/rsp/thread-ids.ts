/**
 * Thread ids on the wire: `TID`, or `pPID.TID` where the client offered `multiprocess+`; 0 is any, -1 is all
 * (gdb manual, "Packets", thread-id syntax). The machine is process 1 and its vCPUs are threads 1..N.
 */
import { TargetError } from '../target.js';
import type { ThreadId } from '../target.js';
import type { PacketReader } from './packet-reader.js';

export const PROCESS_ID = 1;

/** -1 all, 0 any. */
export interface ThreadSelector {
  readonly process: number;
  readonly thread: number;
}

export function readThreadId(reader: PacketReader): ThreadSelector {
  if (!reader.skip('p')) return { process: -1, thread: readId(reader) };
  const process = readId(reader);
  return { process, thread: reader.skip('.') ? readId(reader) : -1 };
}

function readId(reader: PacketReader): number {
  if (!reader.skip('-')) return reader.number('a thread id');
  if (reader.number('a thread id') !== 1) throw new TargetError('The only negative id is -1.');
  return -1;
}

/** True when `selector` names `thread`, be it by number, as any or as one of all. */
export function selects(selector: ThreadSelector, thread: ThreadId): boolean {
  return (selector.process <= 0 || selector.process === PROCESS_ID) && (selector.thread <= 0 || selector.thread === thread);
}

export function formatThreadId(thread: ThreadId, multiprocess: boolean): string {
  return multiprocess ? `p${PROCESS_ID.toString(16)}.${thread.toString(16)}` : thread.toString(16);
}
