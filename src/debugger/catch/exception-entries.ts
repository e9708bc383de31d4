/**
 * Breakpoints of our own at the handlers of the exceptions that are to be caught, by the interrupt table as it stands.
 * KVM offers no exit for an exception of the guest's, so its handler's entry is what can be seen of it.
 */
import type { Breakpoint } from '../../breakpoints/breakpoint-set.js';
import { EXCEPTION_VECTORS } from '../../x86/exceptions.js';
import { interruptTarget } from '../../x86/interrupt-target.js';
import type { CpuView } from '../cpu-view.js';
import type { CatchpointSet } from './catchpoint-set.js';

/** Entries of the table that count for where patches must not stand. */
const TABLE_ENTRIES = 256;

interface Known {
  /** Everything that the entries depend on, as one string. */
  readonly key: string;
  readonly entries: readonly Breakpoint[];
  readonly inTable: ReadonlySet<Breakpoint>;
}

/** The entries for one vCPU. */
export class ExceptionEntries {
  private known: Known | undefined;
  /** What `entries` gave last. */
  private given: Known | undefined;

  constructor(private readonly view: CpuView, private readonly catchpoints: CatchpointSet) {}

  /** One for each address where a handler of a wanted exception begins now. */
  get entries(): readonly Breakpoint[] {
    this.given = this.look();
    return this.given.entries;
  }

  /** Of these the ones that lie in the interrupt table itself, where a patch would change a gate. */
  get inTable(): ReadonlySet<Breakpoint> {
    return this.look().inTable;
  }

  /** A handler of a wanted exception begins at this linear address now. */
  startsAt(linear: bigint): boolean {
    return this.catchpoints.all.length > 0 && this.look().entries.some(({ address }) => address === linear);
  }

  /** The guest has loaded another table, changed a gate or its mode since `entries` was asked for. */
  get haveChanged(): boolean {
    return this.given !== undefined && this.look() !== this.given;
  }

  private look(): Known {
    const key = this.key();
    if (this.known?.key !== key) this.known = { key, ...this.find() };
    return this.known;
  }

  private key(): string {
    const wanted = this.wantedVectors();
    if (wanted.length === 0) return '';
    const { mode, memory, vcpu } = this.view;
    const { idt, gdt, cr3 } = vcpu.readSregs();
    const table = memory.read(idt.base, Math.min(EXCEPTION_VECTORS * this.entrySize, idt.limit + 1));
    return `${wanted.join()} ${mode.usesParagraphs} ${mode.isLong} ${idt.base} ${idt.limit} ${gdt.base} ${cr3} ${Buffer.from(table).toString('latin1')}`;
  }

  private find(): Pick<Known, 'entries' | 'inTable'> {
    const byAddress = new Map<bigint, Breakpoint>();
    const inTable = new Set<Breakpoint>();
    const { idt } = this.view.vcpu.readSregs();
    const end = idt.base + BigInt(Math.min(idt.limit + 1, TABLE_ENTRIES * this.entrySize));
    for (const vector of this.wantedVectors()) {
      const target = handlerOf(this.view, vector);
      if (target === undefined || byAddress.has(target)) continue;
      const entry: Breakpoint = { kind: 'software', address: target, length: 1, conditionPrograms: [], commandPrograms: [], arrivals: 0, hits: 0, isSet: true };
      byAddress.set(target, entry);
      if (target >= idt.base && target < end) inTable.add(entry);
    }
    return { entries: [...byAddress.values()], inTable };
  }

  private wantedVectors(): number[] {
    const wanted = new Set<number>();
    for (const { what } of this.catchpoints.all) {
      if (what.kind !== 'exception') continue;
      if (what.vector === undefined) return Array.from({ length: EXCEPTION_VECTORS }, (_, vector) => vector);
      wanted.add(what.vector);
    }
    return [...wanted].sort((a, b) => a - b);
  }

  /** Bytes of one interrupt vector or gate. */
  private get entrySize(): number {
    const { mode } = this.view;
    return mode.usesParagraphs && mode.name !== 'vm86' ? 4 : mode.isLong ? 16 : 8;
  }
}

/** Linear address of an exception's handler as the processor would enter it now; undefined if it has none. */
function handlerOf(view: CpuView, vector: number): bigint | undefined {
  const target = interruptTarget(vector, 'exception', view.vcpu.readSregs(), view.mode, (address, length) => view.memory.read(address, length));
  return target.ok ? target.address : undefined;
}
