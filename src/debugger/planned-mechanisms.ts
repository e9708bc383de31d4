/** What the planner will use on a host, found by asking it: for `doctor`. */
import { inEveryMode, type DebugCapabilities } from '../breakpoints/capabilities.js';
import { planBreakpoints, type PlanContext, type WantedBreakpoint } from '../breakpoints/planner.js';
import { DEBUG_REGISTER_COUNT } from '../x86/debug-registers.js';

export type PlannedMechanism = 'debug register' | 'int3 patch' | 'hlt patch' | 'stepping' | 'refused';

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
  readonly step: 'single step' | 'refused';
}

/** Asks the planner for five breakpoints of each kind in ordinary RAM. */
export function plannedMechanisms(capabilities: DebugCapabilities): PlannedMechanisms {
  const ofKind = (kind: 'software' | 'hardware'): MechanismsOfKind => {
    const context: PlanContext = { kernelIrqchip: false, guestUsesDebugRegisters: false };
    const five = mechanisms(kind, capabilities, context);
    const fiveWithIrqchip = mechanisms(kind, capabilities, { ...context, kernelIrqchip: true });
    return { first: five.first, fifth: five.last, fifthWithKernelIrqchip: fiveWithIrqchip.last };
  };
  return {
    softwareBreakpoint: ofKind('software'),
    hardwareBreakpoint: ofKind('hardware'),
    step: inEveryMode(capabilities, 'singleStep') ? 'single step' : 'refused',
  };
}

/** Of the first and the last of one more breakpoint than there are debug registers. */
function mechanisms(
  kind: 'software' | 'hardware', capabilities: DebugCapabilities, context: PlanContext,
): { first: PlannedMechanism; last: PlannedMechanism } {
  const wanted = Array.from({ length: DEBUG_REGISTER_COUNT + 1 }, (_, i): WantedBreakpoint => {
    const address = 0x7c00 + 16 * i;
    return { kind, address: BigInt(address), length: 1, physical: address };
  });
  const plan = planBreakpoints(wanted, capabilities, context);
  const of = (breakpoint: WantedBreakpoint | undefined): PlannedMechanism => {
    if (breakpoint === undefined || 'refused' in plan) return 'refused';
    if (plan.debugRegisters.some((planned) => planned.breakpoint === breakpoint)) return 'debug register';
    const patch = plan.patches.find((planned) => planned.breakpoint === breakpoint);
    return patch !== undefined ? `${patch.mechanism} patch` : 'stepping';
  };
  return { first: of(wanted[0]), last: of(wanted.at(-1)) };
}

/** A line for each. */
export function mechanismsText({ softwareBreakpoint, hardwareBreakpoint, step }: PlannedMechanisms): string {
  const ofKind = ({ first, fifth, fifthWithKernelIrqchip }: MechanismsOfKind): string =>
    [first, ...(fifth === first ? [] : [`a fifth: ${fifth}`]),
      ...(fifthWithKernelIrqchip === fifth ? [] : [`with --irqchip kernel: ${fifthWithKernelIrqchip}`])].join('; ');
  return `${'software breakpoint'.padEnd(28)}${ofKind(softwareBreakpoint)}\n` +
    `${'hardware breakpoint'.padEnd(28)}${ofKind(hardwareBreakpoint)}\n${'step'.padEnd(28)}${step}\n`;
}
