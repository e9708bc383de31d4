/**
 * How fast this host steps a guest and comes back from it: measured on a throwaway vCPU in less than 100 ms, the median of
 * some rounds because other processes take their time too.
 */
import { applyCpuState, resetState } from '../reset-state.js';
import type { RunPlan } from '../run-plan.js';
import type { Vcpu } from '../vcpu.js';
import { NO_DEBUG, PAGE, withThrowawayVcpu } from './throwaway-vcpu.js';

export interface HostSpeed {
  /** Microseconds for one step inside a range step, which runs in native code. */
  readonly stepMicroseconds: number;
  /** Microseconds from one port access to the next, through JavaScript. */
  readonly exitMicroseconds: number;
}

/** out %al, $0x80; jmp back: an exit in every round. */
const EXITS = [0xe6, 0x80, 0xeb, 0xfc];
/** inc %ax; jmp back: plain steps. */
const STEPS = [0x40, 0xeb, 0xfd];
const ROUNDS = 9;
const STEPS_A_ROUND = 16;
const EXITS_A_ROUND = 16;
/** After so long a slow host (one that is emulated) gets no further round. */
const LONGEST_MILLISECONDS = 40;
const PATIENCE_MICROSECONDS = 500_000;

/** Measures. Throws the binding's error where KVM cannot be used, and Error where the guest does something else. */
export function measureHostSpeed(): HostSpeed {
  return withThrowawayVcpu((vcpu, bytes) => {
    const base = { debug: NO_DEBUG, waitMicroseconds: PATIENCE_MICROSECONDS, fresh: true } as const;
    load(vcpu, bytes, STEPS);
    const step = measure(STEPS_A_ROUND, () => runOnce(vcpu, { ...base, mode: 'step', maxSteps: STEPS_A_ROUND }, ['plan-done', 'debug']));
    load(vcpu, bytes, EXITS);
    const exit = measure(EXITS_A_ROUND, () => {
      for (let i = 0; i < EXITS_A_ROUND; i++) runOnce(vcpu, { ...base, mode: 'continue' }, ['io']);
    });
    return { stepMicroseconds: step, exitMicroseconds: exit };
  });
}

function load(vcpu: Vcpu, bytes: Uint8Array, code: readonly number[]): void {
  bytes.set(code);
  const state = resetState();
  state.regs.rip = BigInt(PAGE);
  state.sregs.cs = { ...state.sregs.cs, selector: 0, base: 0n };
  applyCpuState(vcpu, state);
}

function runOnce(vcpu: Vcpu, plan: RunPlan, wanted: readonly string[]): void {
  const { reason } = vcpu.runToExit(plan);
  if (!wanted.includes(reason)) throw new Error(`The speed cannot be measured: the guest came back with ${reason}.`);
}

/** Median microseconds for one of the `count` things that a round does; the first round warms up. */
function measure(count: number, round: () => void): number {
  const times: number[] = [];
  const end = performance.now() + LONGEST_MILLISECONDS;
  for (let i = 0; i <= ROUNDS && (i <= 1 || performance.now() < end); i++) {
    const begin = performance.now();
    round();
    if (i > 0) times.push(((performance.now() - begin) * 1000) / count);
  }
  return Math.round((times.sort((a, b) => a - b)[times.length >> 1] ?? 0) * 10) / 10;
}
