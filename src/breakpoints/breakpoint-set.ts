/**
 * What the client asked for: the logical breakpoints, in the order of their insertion. What is planted for them is
 * decided anew at every resume (planner.ts), so nothing here knows about mechanisms or guest memory.
 */
import type { BreakpointRequest } from '../target.js';
import { decodeCondition, decodeProgram, type Program } from './agent/bytecode.js';

/** One Z packet's breakpoint, with its conditions and commands compiled, and how often it was reached. */
export interface Breakpoint extends Pick<BreakpointRequest, 'kind' | 'address' | 'length'> {
  /** Of which one must hold; none: it always stops. */
  conditionPrograms: readonly Program[];
  /** Run instead of a stop; none: it stops. */
  commandPrograms: readonly Program[];
  /** How often the guest came here, whatever the conditions said. */
  arrivals: number;
  /** How often it came here with a condition that held, or without one. */
  hits: number;
  /** In the set; false once it was removed. */
  isSet: boolean;
}

/** Removed breakpoints whose counts are kept for their return: gdb removes its breakpoints at every stop. */
const MOST_REMEMBERED = 1000;

/** The client's breakpoints. No method throws but `add`. */
export class BreakpointSet {
  private readonly byKey = new Map<string, Breakpoint>();
  private cached: readonly Breakpoint[] | undefined;
  /** Removed breakpoints, the one removed last at the end. */
  private readonly remembered = new Map<string, Breakpoint>();
  private removedSinceAdd: Breakpoint[] = [];

  /** All breakpoints, oldest first. The array is the same until the set changes. */
  get all(): readonly Breakpoint[] {
    this.cached ??= [...this.byKey.values()];
    return this.cached;
  }

  /** Those removed since the last one was added: at a stop, the ones that gdb had set for the run before it. */
  get lastRemoved(): readonly Breakpoint[] {
    return this.removedSinceAdd;
  }

  has(request: BreakpointRequest): boolean {
    return this.byKey.has(keyOf(request));
  }

  /**
   * Adds one; of one that is there, conditions and commands are replaced (gdb manual, "Packets": Z) and the counts go
   * on, as they do for one that comes back. Throws TargetError for bytecode that is not valid; then nothing has changed.
   */
  add(request: BreakpointRequest): void {
    const conditionPrograms = (request.conditions ?? []).map(decodeCondition);
    const commandPrograms = (request.commands ?? []).map(decodeProgram);
    const key = keyOf(request);
    const { kind, address, length } = request;
    const known = this.byKey.get(key) ?? this.remembered.get(key) ?? { kind, address, length, arrivals: 0, hits: 0, isSet: true };
    // The same object: a run under way counts in it.
    this.byKey.set(key, Object.assign(known, { conditionPrograms, commandPrograms, isSet: true }));
    this.remembered.delete(key);
    this.removedSinceAdd = [];
    this.cached = undefined;
  }

  remove(request: BreakpointRequest): void {
    const key = keyOf(request);
    const breakpoint = this.byKey.get(key);
    if (breakpoint === undefined) return;
    this.byKey.delete(key);
    breakpoint.isSet = false;
    this.cached = undefined;
    this.removedSinceAdd.push(breakpoint);
    this.remembered.set(key, breakpoint);
    for (const oldest of this.remembered.keys()) {
      if (this.remembered.size <= MOST_REMEMBERED) break;
      this.remembered.delete(oldest);
    }
  }

  /** Forgets all of them, and what was counted. */
  clear(): void {
    for (const breakpoint of this.byKey.values()) breakpoint.isSet = false;
    this.byKey.clear();
    this.remembered.clear();
    this.removedSinceAdd = [];
    this.cached = undefined;
  }

  /** The execution breakpoint at a linear address; a software one before a hardware one. */
  executionAt(address: bigint): Breakpoint | undefined {
    let found: Breakpoint | undefined;
    for (const breakpoint of this.all) {
      if (breakpoint.address !== address) continue;
      if (breakpoint.kind === 'software') return breakpoint;
      if (breakpoint.kind === 'hardware') found ??= breakpoint;
    }
    return found;
  }

  /** All execution breakpoints at a linear address; both kinds may stand at one. */
  allExecutionAt(address: bigint): Breakpoint[] {
    return this.all.filter((each) => each.address === address && (each.kind === 'software' || each.kind === 'hardware'));
  }

  /** Linear addresses of the execution breakpoints (in `start <= address < end`), ascending, without duplicates. */
  executionAddresses(range?: { readonly start: bigint; readonly end: bigint }): bigint[] {
    const addresses = new Set<bigint>();
    for (const { kind, address } of this.all) {
      if (kind !== 'software' && kind !== 'hardware') continue;
      if (range === undefined || (address >= range.start && address < range.end)) addresses.add(address);
    }
    return [...addresses].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  }
}

function keyOf(request: BreakpointRequest): string {
  return `${request.kind} ${request.address.toString(16)} ${request.length}`;
}
