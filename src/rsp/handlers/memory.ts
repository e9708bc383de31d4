/** `m M x X`: memory at linear addresses as the thread that `Hg` chose sees it (gdb manual, "Packets"). */
import { TargetError } from '../../target.js';
import type { CommandSpec } from '../command-spec.js';
import { parseMemoryRange, parseMemoryWrite } from '../command-parser.js';
import { PACKET_SIZE } from '../session-state.js';
import type { SessionState } from '../session-state.js';

/** Bytes at `addr,length`, at most `most`: a reply may be shorter than what was asked for. */
function read(session: SessionState, args: Buffer, most: number): Uint8Array {
  const { address, length } = parseMemoryRange(args);
  const bytes = session.target.readMemory(session.generalThread, address, Math.min(length, most));
  if (bytes.length === 0 && length > 0) {
    throw new TargetError(`No memory can be read at 0x${address.toString(16)}.`, 14);
  }
  return bytes;
}

function readHex(session: SessionState, args: Buffer): { hex: Uint8Array } {
  const hex = read(session, args, PACKET_SIZE / 2);
  // No bytes would be the empty reply, which says that `m` is not supported.
  if (hex.length === 0) throw new TargetError('The length is zero.');
  return { hex };
}

function write(session: SessionState, args: Buffer, format: 'hex' | 'binary'): string {
  const { address, data } = parseMemoryWrite(args, format);
  // `X addr,0:` is how gdb asks whether X is known.
  if (data.length > 0) session.target.writeMemory(session.generalThread, address, data);
  return 'OK';
}

export const memoryCommands: readonly CommandSpec[] = [
  { name: 'm', whileOthersRun: true, handle: readHex },
  { name: 'M', handle: (session, args) => write(session, args, 'hex') },
  {
    // gdb's `x`, whose replies begin with `b`. lldb has another `x` and tries it by `x0,0`, for which it wants `OK`;
    // the `b` it gets tells it to stay with `m` (gdb manual, "binary-upload").
    name: 'x',
    whileOthersRun: true,
    handle: (session, args) => ({ prefix: 'b', bytes: read(session, args, PACKET_SIZE) }),
    features: () => ['binary-upload+'],
  },
  { name: 'X', handle: (session, args) => write(session, args, 'binary') },
];
