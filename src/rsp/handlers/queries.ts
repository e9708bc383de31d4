/**
 * `qSupported QStartNoAckMode qAttached qSymbol vMustReplyEmpty`: getting to know each other (gdb manual,
 * "General Query Packets"). Packets that are in no table, qOffsets and qTStatus among them, get the empty reply: gdb then
 * leaves addresses as they are and tracepoints alone.
 */
import type { CommandSpec } from '../command-spec.js';
import { PACKET_SIZE } from '../session-state.js';
import type { SessionState } from '../session-state.js';

function negotiate(session: SessionState, args: Buffer): string {
  const offered = new Set(args.toString('latin1').slice(1).split(';'));
  session.client.multiprocess = offered.has('multiprocess+');
  session.client.swbreak = offered.has('swbreak+');
  session.client.hwbreak = offered.has('hwbreak+');
  session.client.errorMessage = offered.has('error-message+');
  return [`PacketSize=${PACKET_SIZE.toString(16)}`, ...session.offeredFeatures()].join(';');
}

function ownFeatures(session: SessionState): string[] {
  const features: string[] = [];
  if (session.client.multiprocess) features.push('multiprocess+');
  if (session.client.errorMessage) features.push('error-message+');
  return features;
}

function stopAcknowledging(session: SessionState): string {
  // This reply is still acknowledged; the client's `+` for it is ignored like any other.
  session.afterReply(() => {
    session.noAckMode = true;
  });
  return 'OK';
}

export const queryCommands: readonly CommandSpec[] = [
  { name: 'qSupported', handle: negotiate, features: ownFeatures, whileRunning: true },
  {
    name: 'QStartNoAckMode',
    handle: stopAcknowledging,
    features: () => ['QStartNoAckMode+'],
    whileRunning: true,
  },
  // 1: the guest was there before gdb, which therefore detaches when it quits and does not kill.
  { name: 'qAttached', handle: () => '1', whileRunning: true },
  // We need no symbol's address.
  { name: 'qSymbol', handle: () => 'OK', whileRunning: true },
  // A client checks with it that unknown v packets get the empty reply.
  { name: 'vMustReplyEmpty', handle: () => '', whileRunning: true },
];
