/** `Z z`: breakpoints and watchpoints, where the target has them (gdb manual, "Packets"). */
import { TargetError } from '../../target.js';
import type { CommandSpec } from '../command-spec.js';
import { parseBreakpoint } from '../command-parser.js';
import type { SessionState } from '../session-state.js';

function change(session: SessionState, args: Buffer, operation: 'insert' | 'remove'): string {
  const { tail, ...request } = parseBreakpoint(args);
  const support = session.target.breakpoints;
  if (support === undefined || !support.kinds.has(request.kind)) return '';
  // Dropping a condition would stop where the user said not to, so it is refused rather than ignored.
  if (operation === 'insert' && tail !== '') {
    throw new TargetError('Conditions and commands on breakpoints are not supported; gdb evaluates them itself.');
  }
  support[operation](request);
  return 'OK';
}

function reasons(session: SessionState): string[] {
  const { client, target } = session;
  const features: string[] = [];
  if (client.swbreak && target.breakpoints?.kinds.has('software')) features.push('swbreak+');
  if (client.hwbreak && target.breakpoints?.kinds.has('hardware')) features.push('hwbreak+');
  return features;
}

export const breakpointCommands: readonly CommandSpec[] = [
  {
    name: 'Z',
    available: (target) => target.breakpoints !== undefined,
    handle: (session, args) => change(session, args, 'insert'),
    features: reasons,
    explains: true,
  },
  {
    name: 'z',
    available: (target) => target.breakpoints !== undefined,
    handle: (session, args) => change(session, args, 'remove'),
    explains: true,
  },
];
