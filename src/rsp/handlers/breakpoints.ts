/** `Z z`: breakpoints and watchpoints with their conditions and commands, where the target has them (gdb manual, "Packets"). */
import { TargetError } from '../../target.js';
import type { CommandSpec } from '../command-spec.js';
import { parseBreakpoint } from '../command-parser.js';
import type { SessionState } from '../session-state.js';

function insert(session: SessionState, args: Buffer): string {
  const request = parseBreakpoint(args);
  const support = session.target.breakpoints;
  if (support === undefined || !support.kinds.has(request.kind)) return '';
  const hasExpressions = request.conditions !== undefined || request.commands !== undefined;
  // Dropping a condition would stop where the user said not to, so it is refused rather than ignored.
  if (hasExpressions && support.agentExpressions !== true) {
    throw new TargetError('Conditions and commands on breakpoints are not supported; gdb evaluates them itself.');
  }
  support.insert(request);
  return 'OK';
}

function remove(session: SessionState, args: Buffer): string {
  const { kind, address, length } = parseBreakpoint(args);
  const support = session.target.breakpoints;
  if (support === undefined || !support.kinds.has(kind)) return '';
  support.remove({ kind, address, length });
  return 'OK';
}

function features(session: SessionState): string[] {
  const { client, target: { breakpoints } } = session;
  const offered: string[] = [];
  if (client.swbreak && breakpoints?.kinds.has('software')) offered.push('swbreak+');
  if (client.hwbreak && breakpoints?.kinds.has('hardware')) offered.push('hwbreak+');
  if (breakpoints?.agentExpressions) offered.push('ConditionalBreakpoints+', 'BreakpointCommands+');
  return offered;
}

export const breakpointCommands: readonly CommandSpec[] = [
  {
    name: 'Z',
    available: (target) => target.breakpoints !== undefined,
    handle: insert,
    features,
    explains: true,
  },
  {
    name: 'z',
    available: (target) => target.breakpoints !== undefined,
    handle: remove,
    explains: true,
  },
];
