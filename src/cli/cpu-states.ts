/** What every CPU is doing, for one who sends SIGUSR2 because the server does not answer: nothing is stopped for it. */
import { TargetError, type DebugTarget } from '../target.js';

/** A line: `cpu0 running; cpu1 stopped long64 at 0x100000`. */
export function cpuStates(target: DebugTarget): string {
  if (target.lastStop.reason.kind === 'killed') return 'The guest was killed: there are no CPUs any more.';
  const states = target.threads().map(({ id, name, state }) => `${name} ${state}${place(target, id)}`);
  return `${target.running ? 'Running' : 'Stopped'}: ${states.join('; ')}`;
}

/** Of one that stands. */
function place(target: DebugTarget, thread: number): string {
  try {
    const pc = target.readRegister(thread, target.description.pc);
    return ` at 0x${pc.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n).toString(16)}`;
  } catch (error) {
    if (error instanceof TargetError) return '';
    throw error;
  }
}
