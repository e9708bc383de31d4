/** What a `monitor` command is made of. */
import type { BreakpointSet } from '../../breakpoints/breakpoint-set.js';
import type { DebugCapabilities } from '../../breakpoints/capabilities.js';
import type { StepOptions, StopEvent } from '../../target.js';
import type { Machine } from '../../vmm/machine.js';
import type { Catching } from '../catch/catching.js';
import type { BreakSpace } from '../break-space.js';
import type { CpuView } from '../cpu-view.js';
import type { Snapshots } from '../snapshots.js';

/** What commands work on. */
export interface MonitorContext {
  readonly machine: Machine;
  readonly views: readonly CpuView[];
  /** Index of the vCPU that stopped last. */
  readonly current: number;
  readonly lastStop: StopEvent;
  readonly breakpoints: BreakpointSet;
  readonly breakSpace: BreakSpace;
  readonly catching: Catching;
  readonly snapshots: Snapshots;
  readonly capabilities: () => DebugCapabilities;
  readonly stepOptions: StepOptions;
  readonly isHalted: (cpu: number) => boolean;
  /** Back to before the first instruction, stopped. */
  readonly reset: () => void;
  /** The client is told to go; the machine ends. */
  readonly quit: () => void;
  readonly version: string;
}

export type Write = (text: string) => void;

export interface MonitorCommand {
  /** As typed: `info registers`, `xp`. */
  readonly name: string;
  /** Shown after the name in `help`. */
  readonly parameters?: string;
  readonly help: string;
  run(context: MonitorContext, words: readonly string[], write: Write): void;
}

/** A wrong argument: its message is printed to gdb's console. */
export class MonitorError extends Error {
  override readonly name = 'MonitorError';
}

/** An address or number as gdb users type it: hex with 0x, else decimal. */
export function parseNumber(word: string | undefined, what: string): bigint {
  if (word === undefined || !/^(0x[0-9a-f]+|[0-9]+)$/i.test(word)) {
    throw new MonitorError(`${what} must be a number such as 0x7c00${word === undefined ? '' : `, not "${word}"`}.`);
  }
  const value = BigInt(word);
  if (value > 0xffff_ffff_ffff_ffffn) throw new MonitorError(`${what} ${word} does not fit in 64 bits.`);
  return value;
}

/** The CPU that an optional word names by its index; the one that stopped last without it. */
export function viewOf({ views, current }: Pick<MonitorContext, 'views' | 'current'>, word: string | undefined): { readonly view: CpuView; readonly index: number } {
  const index = word === undefined ? current : Number(parseNumber(word, 'The CPU'));
  const view = views[index];
  if (view === undefined) throw new MonitorError(`There is no CPU ${index}; there are ${views.length}.`);
  return { view, index };
}

/** Lower-case hex with leading zeros. */
export function hex(value: bigint | number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
