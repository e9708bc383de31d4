/** What `monitor catch` asked for. */
import { describeVector } from '../../x86/exceptions.js';
import { describeMsr } from '../../x86/msrs.js';

export type CatchWhat =
  /** An exception of the processor; without a vector any of them. */
  | { readonly kind: 'exception'; readonly vector?: number }
  | { readonly kind: 'triple-fault' }
  /** Ports, inclusive. */
  | { readonly kind: 'io'; readonly first: number; readonly last: number }
  /** Guest-physical addresses outside memory; `end` is exclusive. */
  | { readonly kind: 'mmio'; readonly start: bigint; readonly end: bigint }
  | { readonly kind: 'msr'; readonly index: number }
  | { readonly kind: 'cpuid' }
  | { readonly kind: 'mode-switch' }
  | { readonly kind: 'hlt' };

export type CatchKind = CatchWhat['kind'];

export interface Catchpoint {
  /** Counted from 1 and not given twice. */
  readonly number: number;
  readonly what: CatchWhat;
  /** Stops that it made. */
  hits: number;
}

/** As it is listed: `exception #PF (page fault)`, `io 0x3f8-0x3ff`. */
export function describeCatch(what: CatchWhat): string {
  const hex = (value: number | bigint): string => `0x${value.toString(16)}`;
  switch (what.kind) {
    case 'exception':
      return what.vector === undefined ? 'exception all' : `exception ${describeVector(what.vector)}`;
    case 'io':
      return what.first === what.last ? `io ${hex(what.first)}` : `io ${hex(what.first)}-${hex(what.last)}`;
    case 'mmio':
      return what.end === what.start + 1n ? `mmio ${hex(what.start)}` : `mmio ${hex(what.start)}-${hex(what.end - 1n)}`;
    case 'msr':
      return `msr ${describeMsr(what.index)}`;
    default:
      return what.kind;
  }
}

/** The catchpoints, in the order of their numbers. */
export class CatchpointSet {
  private catchpoints: readonly Catchpoint[] = [];
  private last = 0;

  get all(): readonly Catchpoint[] {
    return this.catchpoints;
  }

  /** The new one, or the one that asked for the same before. */
  add(what: CatchWhat): Catchpoint {
    const text = describeCatch(what);
    const known = this.catchpoints.find((each) => describeCatch(each.what) === text);
    if (known !== undefined) return known;
    const added: Catchpoint = { number: ++this.last, what, hits: 0 };
    this.catchpoints = [...this.catchpoints, added];
    return added;
  }

  /** False if there is none with this number. */
  remove(number: number): boolean {
    const before = this.catchpoints.length;
    this.catchpoints = this.catchpoints.filter((each) => each.number !== number);
    return this.catchpoints.length < before;
  }

  clear(): void {
    this.catchpoints = [];
  }

  has(kind: CatchKind): boolean {
    return this.catchpoints.some(({ what }) => what.kind === kind);
  }

  /** The first that asks for it. */
  find(matches: (what: CatchWhat) => boolean): Catchpoint | undefined {
    return this.catchpoints.find(({ what }) => matches(what));
  }
}
