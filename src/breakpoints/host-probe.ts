/**
 * Finds out what this host's KVM does when a guest is debugged, by running a few bytes of guest code in every CPU
 * mode in a throwaway machine. Knows nothing of KVM itself: the machine is an interface (debugger/probe-machine.ts).
 */
import type { Exit } from '../vmm/exit.js';
import { PROBE_MODES, type DebugCapabilities, type ModeCapabilities, type ProbeMode } from './capabilities.js';

/** One run of a few bytes of guest code, from a fresh processor state. */
export interface ProbeRun {
  readonly mode: ProbeMode;
  /** Placed at offset 0 of the code page, which the pc starts at. Every vector leads to `HANDLER_OFFSET`. */
  readonly code: readonly number[];
  readonly step?: boolean;
  /** At CPL 3; for long mode. HLT then leads to the handler of #GP. */
  readonly user?: boolean;
  readonly interceptInt3?: boolean;
  /** Debug register 0: execution at this offset into the code page. */
  readonly executeAt?: number;
  /** Debug register 0: writes of one byte to the data page, whose address is in RBX and RDI. */
  readonly watchData?: boolean;
  readonly resumeFlag?: boolean;
  /** The data page lies in a read-only slot. */
  readonly readOnlyData?: boolean;
}

export interface ProbeObservation {
  readonly exit: Exit;
  /** The pc's offset into the code page; may be outside it. */
  readonly offset: number;
  /** The 16-bit word on top of the stack after the run. */
  readonly stackTop: number;
}

export interface ProbeMachine {
  /** Runs until an exit that is not plain port I/O, at most a few milliseconds; a run that does not end gives `kicked`. */
  run(probe: ProbeRun): ProbeObservation;
  /** KVM_CAP_SET_GUEST_DEBUG2 names KVM_GUESTDBG_BLOCKIRQ. */
  readonly blockIrq: boolean;
}

/** Where interrupt handlers of a probe start, in the code page: NOPs, then HLT. */
export const HANDLER_OFFSET = 0x80;

const NOP = 0x90;
const HLT = 0xf4;
/** `mov [bx], al` in 16-bit code, `mov [edi], al` and `mov [rdi], al` in 32- and 64-bit code. */
const STORE = [0x88, 0x07];
const OUT_80 = [0xe6, 0x80];
const UD2 = [0x0f, 0x0b];
const PUSHF = [0x9c];
const MFENCE = [0x0f, 0xae, 0xf0];
const TF = 0x100;

/** Runs every probe, some twenty runs of a few instructions. Throws only what `machine.run` throws. */
export function probeHost(machine: ProbeMachine): DebugCapabilities {
  const modes = Object.fromEntries(PROBE_MODES.map((mode) => [mode, probeMode(machine, mode)])) as Record<ProbeMode, ModeCapabilities>;
  return {
    modes,
    readOnlySlot: machine.run({ mode: 'real', code: [...STORE, HLT], readOnlyData: true }).exit.reason === 'mmio',
    // Where no debug register fires, that the NOP is passed says nothing about RF.
    resumeFlag: modes.real.debugExecute && machine.run({ mode: 'real', code: [NOP, HLT], executeAt: 0, resumeFlag: true }).exit.reason === 'hlt',
    faultStep: faultEndsInHandler(machine) ? 'handler' : 'free',
    pushfLeaksTf: (machine.run({ mode: 'real', code: [...PUSHF, HLT], step: true }).stackTop & TF) !== 0,
    stepsEndLate: stepEndsBehindTheNext(machine),
    userStep: userStepEnds(machine),
    blockIrq: machine.blockIrq,
  };
}

function probeMode(machine: ProbeMachine, mode: ProbeMode): ModeCapabilities {
  const step = machine.run({ mode, code: [NOP, NOP, HLT], step: true });
  const int3 = machine.run({ mode, code: [0xcc, HLT], interceptInt3: true });
  const hlt = machine.run({ mode, code: [HLT, NOP] });
  const execute = machine.run({ mode, code: [NOP, NOP, HLT], executeAt: 1 });
  const write = machine.run({ mode, code: [...STORE, NOP, HLT], watchData: true });
  const out = machine.run({ mode, code: [...OUT_80, NOP, HLT], step: true });
  return {
    singleStep: stepEnded(step.exit) && step.offset === 1,
    int3: int3.exit.reason === 'debug' && int3.exit.exception === 3 && int3.offset === 0,
    hlt: hlt.exit.reason === 'hlt' && hlt.offset === 1,
    debugExecute: debugRegisterFired(execute.exit) && execute.offset === 1,
    debugWrite: debugRegisterFired(write.exit),
    stepOverIo: stepEnded(out.exit) && out.offset === OUT_80.length,
  };
}

function faultEndsInHandler(machine: ProbeMachine): boolean {
  const fault = machine.run({ mode: 'real', code: [...UD2, HLT], step: true });
  return stepEnded(fault.exit) && fault.offset >= HANDLER_OFFSET && fault.offset <= HANDLER_OFFSET + 1;
}

function stepEndsBehindTheNext(machine: ProbeMachine): boolean {
  const step = machine.run({ mode: 'long', code: [...MFENCE, NOP, NOP, HLT], step: true });
  return stepEnded(step.exit) && step.offset === MFENCE.length + 1;
}

function userStepEnds(machine: ProbeMachine): boolean {
  const step = machine.run({ mode: 'long', code: [NOP, NOP, HLT], step: true, user: true });
  return stepEnded(step.exit) && step.offset === 1;
}

function stepEnded(exit: Exit): boolean {
  return exit.reason === 'plan-done';
}

function debugRegisterFired(exit: Exit): boolean {
  return exit.reason === 'debug' && exit.exception === 1 && (exit.dr6 & 1n) !== 0n;
}
