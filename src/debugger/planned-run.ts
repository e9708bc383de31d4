/** The run that a plan of breakpoints asks for, and what the debug registers mean that it was given. */
import { isWatch } from '../breakpoints/planner.js';
import type { RunPlan } from '../vmm/run-plan.js';
import type { DebugRegisterSlot } from '../x86/debug-registers.js';
import type { Planned } from './breakpoint-planning.js';
import { guestDebug, type GuestDebugRequest } from './guest-debug.js';
import { WAIT_MICROSECONDS } from './vcpu-runner.js';

/** For the native loop, which steps and compares the pc. */
export interface SteppedRun {
  /** Linear addresses to stop at. */
  readonly until: readonly bigint[];
  readonly fixPushf: boolean;
  readonly endLateSteps: boolean;
}

export class PlannedRun {
  /** Debug registers that watch data, numbered from 0 as a step has them. */
  readonly dataRegisters: readonly DebugRegisterSlot[];

  /** `plan` absent: nothing is wanted. `stepped` is asked for only where the plan steps. */
  constructor(private readonly plan: Planned | undefined, private readonly stepped: () => SteppedRun) {
    const data = plan?.debugRegisters.filter(({ breakpoint }) => isWatch(breakpoint)) ?? [];
    this.dataRegisters = data.map(({ address, type, length }, index) => ({ index, address, type, length }));
  }

  /** The native loop steps and compares the pc; no patch is planted. */
  get isStepped(): boolean {
    return (this.plan?.stepped.length ?? 0) > 0;
  }

  /** The run that reaches what is planned; `inject` gives the guest what was taken from it. `interceptInt3`: for others' patches too. */
  run(inject: GuestDebugRequest['inject'], interceptInt3: boolean): RunPlan {
    const injection = inject === undefined ? {} : { inject };
    if (this.isStepped) {
      return {
        mode: 'step', debug: guestDebug({ step: true, interceptInt3, debugRegisters: this.dataRegisters, ...injection }),
        ...this.stepped(), waitMicroseconds: WAIT_MICROSECONDS, fresh: true,
      };
    }
    const registers = this.plan?.debugRegisters.map(({ index, address, length, type }) => ({ index, address, type, length })) ?? [];
    return {
      mode: 'continue', debug: guestDebug({ interceptInt3: interceptInt3 || this.plan?.patches[0]?.mechanism === 'int3', debugRegisters: registers, ...injection }),
      waitMicroseconds: WAIT_MICROSECONDS, fresh: true,
    };
  }

  /** Bit n: debug register n of the run is ours. */
  get debugRegisterMask(): number {
    if (this.isStepped) return this.dataMask(0xf);
    return (1 << (this.plan?.debugRegisters.length ?? 0)) - 1;
  }

  /** Of the registers of the run that fired, those that watch data, by their number in `dataRegisters`. */
  dataMask(fired: number): number {
    if (this.isStepped) return fired & ((1 << this.dataRegisters.length) - 1);
    let mask = 0;
    let data = 0;
    for (const { index, type } of this.plan?.debugRegisters ?? []) {
      if (type === 'execute') continue;
      if ((fired & (1 << index)) !== 0) mask |= 1 << data;
      data++;
    }
    return mask;
  }
}
