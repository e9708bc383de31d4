/** The planner's question for the processor as it stands: where each breakpoint lies in guest-physical memory. */
import type { Breakpoint } from '../breakpoints/breakpoint-set.js';
import type { DebugCapabilities } from '../breakpoints/capabilities.js';
import {
  isWatch, planBreakpoints, type BreakpointPlan, type MemoryPiece, type PlanContext, type WantedBreakpoint,
} from '../breakpoints/planner.js';
import { TargetError } from '../target.js';
import { PAGE_SIZE, pageOf } from '../vmm/write-protection.js';
import type { CpuView } from './cpu-view.js';

export type Planned = BreakpointPlan<WantedBreakpoint & { readonly breakpoint: Breakpoint }>;

export interface PlanRequest {
  readonly view: CpuView;
  readonly capabilities: DebugCapabilities;
  readonly context: PlanContext;
  /** Of the breakpoints, those where no patch may stand. */
  readonly unpatchable?: ReadonlySet<Breakpoint>;
  /** GPAs of pages that cannot be write-protected; asked for only when there are watchpoints. */
  readonly unsafePages: () => ReadonlySet<number>;
}

/** Plans a set of breakpoints. Throws TargetError with the planner's reason. */
export function planFor(breakpoints: readonly Breakpoint[], { view, capabilities, context, unpatchable, unsafePages }: PlanRequest): Planned {
  let unsafe: ReadonlySet<number> | undefined;
  const wanted = breakpoints.map((breakpoint) => {
    const { kind, address, length } = breakpoint;
    if (!isWatch(breakpoint)) {
      return { kind, address, length, breakpoint, physical: unpatchable?.has(breakpoint) === true ? undefined : view.memory.physicalRam(address), userMode: isUserMode(view, address) };
    }
    const pieces = view.memory.ramPieces(address, length);
    unsafe ??= unsafePages();
    const canGuard = pieces !== undefined && !pagesOf(pieces).some((page) => unsafe?.has(page));
    return { kind, address, length, breakpoint, physical: undefined, isDevice: pieces === undefined && reachesDevice(view, breakpoint), ...(canGuard && { pieces }) };
  });
  const plan = planBreakpoints(wanted, capabilities, context);
  if ('refused' in plan) {
    const { refused } = plan;
    const what = isWatch(refused) ? 'watchpoint' : 'breakpoint';
    throw new TargetError(`A ${what} at 0x${refused.address.toString(16)} cannot be made to stop: ${plan.reason}`);
  }
  return plan;
}

/** Code that CPL 3 may run: by its page, or, without paging, because it is what runs now. */
function isUserMode(view: CpuView, address: bigint): boolean {
  return view.memory.isUserMode(address) || (view.cpl === 3 && view.pc === address);
}

/** The first or the last byte is mapped to guest-physical addresses without memory behind them. */
function reachesDevice({ memory }: CpuView, { address, length }: Breakpoint): boolean {
  return memory.isDevice(address) || memory.isDevice(address + BigInt(length - 1));
}

/** GPAs of the first bytes of the pages that some runs of bytes touch. */
export function pagesOf(pieces: readonly MemoryPiece[]): number[] {
  const pages: number[] = [];
  for (const { physical, length } of pieces) {
    for (let page = pageOf(physical); page < physical + length; page += PAGE_SIZE) pages.push(page);
  }
  return pages;
}

/**
 * The bytes of a plan whose writes are told by write-protected pages: those of its guards, and those that debug registers watch,
 * for in a page that is protected for something else it is KVM's emulator that writes, and that has no data breakpoints.
 */
export function toldByPages({ guards, debugRegisters }: Planned): Planned['guards'] {
  const byRegister = new Set(debugRegisters.map(({ breakpoint }) => breakpoint).filter((wanted) => isWatch(wanted) && wanted.kind !== 'read'));
  return [...guards, ...[...byRegister].map((breakpoint) => ({ breakpoint, pieces: breakpoint.pieces ?? [] }))];
}

const LOOK_MILLISECONDS = 4;

/** Looks now and then, for it takes a page walk for each breakpoint, whether all are still where they should be. */
export class MappingLook {
  private lookedAt = performance.now();

  /**
   * The first of a plan's breakpoints that is not: its linear address leads elsewhere now, or the guest has written over its
   * patch (`stands`: whether the patch at a GPA is still there), which it can where the page is not protected.
   */
  moved(plan: Planned, { memory }: CpuView, stands: (gpa: number) => boolean): Breakpoint | undefined {
    const now = performance.now();
    if (now - this.lookedAt < LOOK_MILLISECONDS) return undefined;
    this.lookedAt = now;
    const patch = plan.patches.find(({ breakpoint, physical }) => memory.physicalRam(breakpoint.address) !== physical || !stands(physical));
    if (patch !== undefined) return patch.breakpoint.breakpoint;
    const guard = toldByPages(plan).find(({ pieces }) => pieces.some(({ linear, physical }) => memory.physicalRam(linear) !== physical));
    return guard?.breakpoint.breakpoint;
  }
}
