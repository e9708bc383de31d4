/**
 * In which address spaces execution breakpoints stop: in any, or only in the one that the vCPU had when the breakpoint was
 * set. gdb takes its breakpoints out at each stop and sets them again at each resume, in whatever space the guest has then
 * come to, so the space of the first time is remembered by address.
 */
import type { Breakpoint, BreakpointSet } from '../breakpoints/breakpoint-set.js';
import type { BreakpointRequest } from '../target.js';
import { CR0_PG } from '../x86/cpu-mode.js';
import type { SystemRegisters } from '../x86/cpu-state.js';
import type { CpuView } from './cpu-view.js';

export type BreakSpaceMode = 'any' | 'cr3';

/** The PCID or the cache bits in the low end, and bit 63, which says what becomes of the TLB (SDM vol. 3, 2.5, 5.5). */
const CR3_FRAME = 0x7fff_ffff_ffff_f000n;
/** PAE paging outside long mode: a table of 32 bytes. */
const CR3_PAE_TABLE = 0xffff_ffe0n;
const CR4_PAE = 1n << 5n;
const EFER_LMA = 1n << 10n;

export class BreakSpace {
  private current: BreakSpaceMode = 'any';
  /** By address. */
  private readonly spaces = new Map<bigint, bigint | undefined>();

  constructor(private readonly breakpoints: BreakpointSet) {}

  get mode(): BreakSpaceMode {
    return this.current;
  }

  /** From now on; what was remembered is forgotten, so that breakpoints belong to the space they are set in next. */
  set mode(mode: BreakSpaceMode) {
    this.current = mode;
    this.spaces.clear();
  }

  /** A breakpoint was set while this vCPU was the current one. */
  inserted({ kind, address }: BreakpointRequest, view: CpuView): void {
    if (this.current === 'any' || (kind !== 'software' && kind !== 'hardware') || this.spaces.has(address)) return;
    this.spaces.set(address, spaceOf(view.vcpu.readSregs()));
  }

  /** The guest goes on, and gdb has set what it wants: what it has not is deleted, and a new one there begins anew. */
  resumed(): void {
    if (this.spaces.size === 0) return;
    for (const address of this.spaces.keys()) {
      if (this.breakpoints.allExecutionAt(address).length === 0) this.spaces.delete(address);
    }
  }

  /** The space that a breakpoint is for; undefined for any. */
  of({ kind, address }: Pick<Breakpoint, 'kind' | 'address'>): bigint | undefined {
    return kind === 'software' || kind === 'hardware' ? this.spaces.get(address) : undefined;
  }

  /** Whether it stops this vCPU. */
  admits(breakpoint: Breakpoint, view: CpuView): boolean {
    const space = this.of(breakpoint);
    return space === undefined || space === spaceOf(view.vcpu.readSregs());
  }

  /** A new client begins with the default. */
  reset(): void {
    this.mode = 'any';
  }
}

/** What CR3 says of the page tables; undefined without paging. */
function spaceOf({ cr0, cr3, cr4, efer }: Pick<SystemRegisters, 'cr0' | 'cr3' | 'cr4' | 'efer'>): bigint | undefined {
  if ((cr0 & CR0_PG) === 0n) return undefined;
  return cr3 & ((efer & EFER_LMA) === 0n && (cr4 & CR4_PAE) !== 0n ? CR3_PAE_TABLE : CR3_FRAME);
}
