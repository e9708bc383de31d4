/** What can be heard of a run: a line per exit (`--log exit`) and per plan of breakpoints (`--log bp`), exits with times. */
import type { BreakpointPlan, WantedBreakpoint } from '../breakpoints/planner.js';
import type { Exit } from '../vmm/exit.js';

/** Absent: nothing is logged, at no cost. */
export interface DebugLog {
  readonly exit?: (line: string) => void;
  readonly breakpoint?: (line: string) => void;
  /** Every exit but those of kicks, once it has been served. */
  readonly served?: (exit: ServedExit) => void;
}

/** An exit, and when it was served. */
export interface ServedExit {
  readonly cpu: number;
  readonly exit: Exit;
  /** Linear, as KVM left it at the exit: on some hosts already behind the instruction of an OUT. */
  readonly pc: bigint;
  /** Milliseconds, as of `performance.now()`: when the exit came, and when the guest was entered again or the stop reported. */
  readonly began: number;
  readonly ended: number;
}

const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

/** `cpu0 io out 0x3f8 size 1 count 1` */
export function exitLine(cpu: number, exit: Exit): string {
  const start = `cpu${cpu} ${exit.reason}`;
  switch (exit.reason) {
    case 'io':
      return `${start} ${exit.direction} ${hex(exit.port)} size ${exit.size} count ${exit.count}`;
    case 'mmio':
      return `${start} ${exit.isWrite ? 'write' : 'read'} ${hex(exit.address)} size ${exit.data.length}`;
    case 'debug':
      return `${start} vector ${exit.exception} pc ${hex(exit.pc)} dr6 ${hex(exit.dr6)}`;
    case 'plan-done':
      return `${start} pc ${hex(exit.pc)}`;
    case 'internal-error':
      return `${start} suberror ${exit.suberror}`;
    case 'rdmsr':
    case 'wrmsr':
      return `${start} ${hex(exit.index)}`;
    case 'run-error':
      return `${start} ${exit.message}`;
    default:
      return start;
  }
}

/** `dr0=0x7c00 hlt@0x8000 step=0x9000`; `nothing planted` for no breakpoints. */
export function planLine(plan: BreakpointPlan<WantedBreakpoint>): string {
  const parts = [
    ...plan.debugRegisters.map(({ index, address, type, length }) => `dr${index}=${hex(address)}${type === 'execute' ? '' : `+${length} ${type}`}`),
    ...plan.patches.map(({ mechanism, breakpoint, physical }) => `${mechanism}=${hex(breakpoint.address)}@${hex(physical)}`),
    ...plan.guards.map(({ breakpoint: { address, length } }) => `read-only=${hex(address)}+${length}`),
    ...plan.stepped.map(({ address }) => `step=${hex(address)}`),
    ...plan.steppedWatches.map(({ kind, address, length }) => `step-${kind}=${hex(address)}+${length}`),
  ];
  return parts.length === 0 ? 'nothing planted' : parts.join(' ');
}
