/** What the planner will use on a host, found by asking it: for `doctor`. */
import type { BreakpointKind } from '../target.js';
import { inEveryMode, type DebugCapabilities } from '../breakpoints/capabilities.js';
import { planBreakpoints, type PlanContext, type WantedBreakpoint } from '../breakpoints/planner.js';
import { DEBUG_REGISTER_COUNT } from '../x86/debug-registers.js';

export type PlannedMechanism = 'debug register' | 'int3 patch' | 'hlt patch' | 'read-only page' | 'stepping' | 'refused';

export interface MechanismsOfKind {
  /** For the first four, and for one more than there are debug registers. */
  readonly first: PlannedMechanism;
  readonly fifth: PlannedMechanism;
  /** The fifth with the interrupt controller in the kernel, where HLT does not exit. */
  readonly fifthWithKernelIrqchip: PlannedMechanism;
}

export interface PlannedMechanisms {
  readonly softwareBreakpoint: MechanismsOfKind;
  readonly hardwareBreakpoint: MechanismsOfKind;
  /** Of up to 8 bytes each. */
  readonly writeWatchpoint: MechanismsOfKind;
  /** Read and access watchpoints. */
  readonly accessWatchpoint: MechanismsOfKind;
  readonly step: 'single step' | 'refused';
}

/** Asks the planner for five breakpoints of each kind in ordinary RAM. */
export function plannedMechanisms(capabilities: DebugCapabilities): PlannedMechanisms {
  const ofKind = (kind: BreakpointKind): MechanismsOfKind => {
    const context: PlanContext = { kernelIrqchip: false, guestUsesDebugRegisters: () => false };
    const five = mechanisms(kind, capabilities, context);
    const fiveWithIrqchip = mechanisms(kind, capabilities, { ...context, kernelIrqchip: true });
    return { first: five.first, fifth: five.last, fifthWithKernelIrqchip: fiveWithIrqchip.last };
  };
  return {
    softwareBreakpoint: ofKind('software'),
    hardwareBreakpoint: ofKind('hardware'),
    writeWatchpoint: ofKind('write'),
    accessWatchpoint: ofKind('access'),
    step: inEveryMode(capabilities, 'singleStep') ? 'single step' : 'refused',
  };
}

/** Of the first and the last of one more breakpoint than there are debug registers. */
function mechanisms(
  kind: BreakpointKind, capabilities: DebugCapabilities, context: PlanContext,
): { first: PlannedMechanism; last: PlannedMechanism } {
  const wanted = Array.from({ length: DEBUG_REGISTER_COUNT + 1 }, (_, i): WantedBreakpoint => {
    const address = 0x7c00 + 16 * i;
    return { kind, address: BigInt(address), length: 1, physical: address, pieces: [{ linear: BigInt(address), physical: address, length: 1 }] };
  });
  const plan = planBreakpoints(wanted, capabilities, context);
  const of = (breakpoint: WantedBreakpoint | undefined): PlannedMechanism => {
    if (breakpoint === undefined || 'refused' in plan) return 'refused';
    if (plan.debugRegisters.some((planned) => planned.breakpoint === breakpoint)) return 'debug register';
    if (plan.guards.some((planned) => planned.breakpoint === breakpoint)) return 'read-only page';
    const patch = plan.patches.find((planned) => planned.breakpoint === breakpoint);
    return patch !== undefined ? `${patch.mechanism} patch` : 'stepping';
  };
  return { first: of(wanted[0]), last: of(wanted.at(-1)) };
}

/** A line for each. */
export function mechanismsText({ softwareBreakpoint, hardwareBreakpoint, writeWatchpoint, accessWatchpoint, step }: PlannedMechanisms): string {
  const ofKind = ({ first, fifth, fifthWithKernelIrqchip }: MechanismsOfKind): string =>
    [first, ...(fifth === first ? [] : [`a fifth: ${fifth}`]),
      ...(fifthWithKernelIrqchip === fifth ? [] : [`with --irqchip kernel: ${fifthWithKernelIrqchip}`])].join('; ');
  const lines: [string, string][] = [
    ['software breakpoint', ofKind(softwareBreakpoint)], ['hardware breakpoint', ofKind(hardwareBreakpoint)],
    ['write watchpoint', ofKind(writeWatchpoint)], ['read or access watchpoint', ofKind(accessWatchpoint)], ['step', step],
  ];
  return lines.map(([name, text]) => `${name.padEnd(28)}${text}\n`).join('');
}
