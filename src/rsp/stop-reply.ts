/** Stop events to stop replies (gdb manual, "Stop Reply Packets"). */
import { TargetError } from '../target.js';
import type { DebugTarget, FaultSignal, StopEvent, StopReason, ThreadId } from '../target.js';
import { toHex } from './hex.js';
import type { ClientFeatures } from './session-state.js';
import { formatThreadId, PROCESS_ID } from './thread-ids.js';

/** gdb's own signal numbers (include/gdb/signals.def), which differ from Linux's: SIGBUS is 10. */
const SIGNALS: Readonly<Record<FaultSignal | 'SIGINT', string>> = {
  SIGINT: '02',
  SIGILL: '04',
  SIGTRAP: '05',
  SIGABRT: '06',
  SIGBUS: '0a',
  SIGSEGV: '0b',
};

const NO_SIGNAL = '00';

const WATCH_NAMES = { write: 'watch', read: 'rwatch', access: 'awatch' } as const;

/** The `T`, `W` or `X` packet for a stop that answers a resume. */
export function formatStopReply(stop: StopEvent, target: DebugTarget, client: ClientFeatures): string {
  const ended = formatEnd(stop.reason, client);
  if (ended !== undefined) return ended;
  return formatStop(signalOf(stop.reason), whyStopped(stop.reason, client), stop, target, client);
}

/**
 * The answer to `?`, `vAttach` and `vRun`. It names no breakpoint: gdb resumes by itself from a breakpoint it has not
 * inserted ("delayed software breakpoint trap, ignoring").
 */
export function formatStanding(stop: StopEvent, target: DebugTarget, client: ClientFeatures): string {
  const ended = formatEnd(stop.reason, client);
  if (ended !== undefined) return ended;
  const signal = stop.reason.kind === 'fault' ? SIGNALS[stop.reason.signal] : SIGNALS.SIGTRAP;
  return formatStop(signal, '', stop, target, client);
}

function formatStop(
  signal: string,
  why: string,
  stop: StopEvent,
  target: DebugTarget,
  client: ClientFeatures,
): string {
  let reply = `T${signal}thread:${formatThreadId(stop.thread, client.multiprocess)};${why}`;
  for (const regnum of target.description.expedited) reply += expedite(target, stop.thread, regnum);
  return reply;
}

/** `regnum:value;`, or nothing for a register that cannot be read: the client then asks and gets the reason. */
function expedite(target: DebugTarget, thread: ThreadId, regnum: number): string {
  try {
    const digits = regnum < 16 ? `0${regnum.toString(16)}` : regnum.toString(16);
    return `${digits}:${toHex(target.readRegister(thread, regnum))};`;
  } catch (error) {
    if (error instanceof TargetError) return '';
    throw error;
  }
}

function formatEnd(reason: StopReason, client: ClientFeatures): string | undefined {
  const process = client.multiprocess ? `;process:${PROCESS_ID}` : '';
  if (reason.kind === 'exited') return `W${(reason.status & 0xff).toString(16).padStart(2, '0')}${process}`;
  if (reason.kind === 'killed') return `X09${process}`;
  return undefined;
}

function signalOf(reason: StopReason): string {
  if (reason.kind === 'interrupt') return SIGNALS.SIGINT;
  if (reason.kind === 'requested') return NO_SIGNAL;
  if (reason.kind === 'fault') return SIGNALS[reason.signal];
  return SIGNALS.SIGTRAP;
}

/** gdb's number of the signal that a stop reply for this reason carries. */
export function signalNumber(reason: StopReason): number {
  return Number.parseInt(signalOf(reason), 16);
}

function whyStopped(reason: StopReason, client: ClientFeatures): string {
  if (reason.kind === 'watchpoint') return `${WATCH_NAMES[reason.watch]}:${reason.address.toString(16)};`;
  if (reason.kind !== 'breakpoint') return '';
  if (reason.breakpoint === 'software') return client.swbreak ? 'swbreak:;' : '';
  return client.hwbreak ? 'hwbreak:;' : '';
}
