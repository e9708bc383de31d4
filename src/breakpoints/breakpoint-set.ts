/**
 * What the client asked for: the logical breakpoints, in the order of their insertion. What is planted for them is
 * decided anew at every resume (planner.ts), so nothing here knows about mechanisms or guest memory.
 */
import type { BreakpointRequest } from '../target.js';

/** One Z packet's breakpoint and how often it stopped the machine. */
export interface Breakpoint extends BreakpointRequest {
  hits: number;
}

/** The client's breakpoints. No method throws. */
export class BreakpointSet {
  private readonly byKey = new Map<string, Breakpoint>();
  private cached: readonly Breakpoint[] | undefined;

  /** All breakpoints, oldest first. The array is the same until the set changes. */
  get all(): readonly Breakpoint[] {
    this.cached ??= [...this.byKey.values()];
    return this.cached;
  }

  has(request: BreakpointRequest): boolean {
    return this.byKey.has(keyOf(request));
  }

  /** Adds one; adding it again changes nothing (Z packets are idempotent: gdb manual, "Packets"). */
  add(request: BreakpointRequest): void {
    const key = keyOf(request);
    if (this.byKey.has(key)) return;
    this.byKey.set(key, { ...request, hits: 0 });
    this.cached = undefined;
  }

  remove(request: BreakpointRequest): void {
    if (this.byKey.delete(keyOf(request))) this.cached = undefined;
  }

  clear(): void {
    this.byKey.clear();
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
