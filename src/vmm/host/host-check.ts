/**
 * Does KVM work here? Not by looking for flags but by doing it: open, API version, CREATE_VM, CREATE_VCPU, and three
 * instructions of guest code. The first call that fails ends the check.
 */
import { native, type NativeBinding, type NativeError } from '../native.js';
import { applyCpuState, resetState } from '../reset-state.js';
import { Vcpu } from '../vcpu.js';
import type { HostFacts } from './host-facts.js';
import { explainKvmTrouble, stepOfOperation, type HostCheckStep } from './kvm-trouble.js';

/** The only version there has been since Linux 2.6.22 (api.rst, KVM_GET_API_VERSION). */
const API_VERSION = 12;
const PAGE = 0x1000;
/** mov $41, %al; inc %ax; hlt: three instructions of real mode, which leave 42. */
const CODE = [0xb0, 41, 0x40, 0xf4];
const ANSWER = 42n;
/** KVM_SET_GUEST_DEBUG with nothing in it. */
const NO_DEBUG = { control: 0, debugreg: [0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n] };
/** The three instructions take microseconds. */
const PATIENCE_MICROSECONDS = 500_000;

export interface HostCheckLine {
  readonly step: HostCheckStep;
  readonly ok: boolean;
  /** What was found, or the failed call's own words. */
  readonly detail: string;
}

export interface HostCheck {
  readonly ok: boolean;
  readonly lines: readonly HostCheckLine[];
  /** When something failed: why, and what to do. */
  readonly explanation?: string;
}

class CheckFailure extends Error {
  readonly operation = '';

  constructor(message: string, readonly code: string) {
    super(message);
  }
}

/** Runs the check. `facts` is asked for only when something fails. Never throws for a host that cannot do it. */
export function checkHost(facts: () => HostFacts, binding: NativeBinding = native()): HostCheck {
  const lines: HostCheckLine[] = [];
  const undo: (() => void)[] = [];
  let step: HostCheckStep = 'open';
  const passed = (detail: string): void => void lines.push({ step, ok: true, detail });
  try {
    const system = binding.openSystem();
    undo.push(() => system.close());
    passed('/dev/kvm opens');
    step = 'api-version';
    if (system.apiVersion !== API_VERSION) throw new CheckFailure(`the API version is ${system.apiVersion}, not ${API_VERSION}`, 'EPROTO');
    passed(`the API version is ${API_VERSION}`);
    step = 'create-vm';
    // Before the VM, for it is freed after it: a slot goes with its VM, without an ioctl that could fail.
    const memory = binding.allocateMemory(PAGE);
    undo.push(() => memory.close());
    const vm = system.createVm();
    undo.push(() => vm.close());
    passed('a virtual machine can be made');
    step = 'create-vcpu';
    // Where VMX keeps what real mode needs; no guest has RAM there.
    vm.setTssAddr(0xfffb_d000);
    vm.setMemorySlot(0, 0, BigInt(PAGE), memory, 0, PAGE);
    new Uint8Array(memory.buffer).set(CODE);
    const vcpu = new Vcpu(vm.createVcpu(0));
    undo.push(() => vcpu.close());
    passed('a virtual CPU can be made');
    step = 'run';
    runThreeInstructions(vcpu);
    passed('three guest instructions run');
    return { ok: true, lines };
  } catch (error) {
    const { message, code, operation } = error as NativeError;
    // A fault of ours, such as a missing binding, is not the host's.
    if (typeof code !== 'string' || code.startsWith('ERR_') || code === 'MODULE_NOT_FOUND') throw error;
    // The binding asks for the API version while it opens.
    step = stepOfOperation(operation) ?? step;
    lines.push({ step, ok: false, detail: message });
    return { ok: false, lines, explanation: explainKvmTrouble(step, code, facts()) };
  } finally {
    for (const action of undo.reverse()) action();
  }
}

/**
 * The same explanation for an error that a program met when it began: undefined unless it came from one of the calls
 * that open KVM and make a machine.
 */
export function explainStartError(error: unknown, facts: () => HostFacts): string | undefined {
  const { code, operation } = error as Partial<NativeError>;
  const step = typeof operation === 'string' ? stepOfOperation(operation) : undefined;
  return step === undefined || typeof code !== 'string' || code.startsWith('ERR_') ? undefined : explainKvmTrouble(step, code, facts());
}

function runThreeInstructions(vcpu: Vcpu): void {
  const state = resetState();
  state.regs.rip = BigInt(PAGE);
  state.sregs.cs = { ...state.sregs.cs, selector: 0, base: 0n };
  applyCpuState(vcpu, state);
  const exit = vcpu.runToExit({ mode: 'continue', debug: NO_DEBUG, waitMicroseconds: PATIENCE_MICROSECONDS, fresh: true });
  if (exit.reason === 'run-error') throw new CheckFailure(exit.message, 'EPROTO');
  const al = vcpu.regs.rax & 0xffn;
  if (exit.reason !== 'hlt' || al !== ANSWER) {
    throw new CheckFailure(`the guest came back with ${exit.reason} and AL = ${al} instead of hlt and ${ANSWER}`, 'EPROTO');
  }
}
