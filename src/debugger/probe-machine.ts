/**
 * The throwaway machine in which the host probe runs its bytes: one vCPU, a code page, a data page, a stack and
 * interrupt tables, in real, 32-bit protected or long mode. Made and closed within a few milliseconds.
 */
import { HANDLER_OFFSET, probeHost, type ProbeMachine, type ProbeObservation, type ProbeRun } from '../breakpoints/host-probe.js';
import type { DebugCapabilities } from '../breakpoints/capabilities.js';
import { native, type NativeMemory, type NativeSystem, type NativeVm } from '../vmm/native.js';
import type { RunPlan } from '../vmm/run-plan.js';
import { Vcpu } from '../vmm/vcpu.js';
import { applyCpuState, resetState } from '../vmm/reset-state.js';
import type { CpuState, Segment } from '../x86/cpu-state.js';
import { guestDebug } from './guest-debug.js';

const PAGE = 0x1000;
const MEMORY_SIZE = 16 * PAGE;
const CODE = 1 * PAGE;
const DATA = 15 * PAGE;
const STACK_TOP = 3 * PAGE;
const IDT = 4 * PAGE;
/** The GDT and the TSS share the IDT's page. */
const GDT = IDT + 0x800;
const TSS = IDT + 0xc00;
const PML4 = 5 * PAGE;
/** RSP0 in a 64-bit TSS (SDM vol. 3, figure 8-11). */
const TSS_RSP0 = 4;
const SLOT_RAM = 0;
const SLOT_DATA = 1;
/** A probe run takes microseconds; one that does not end by itself is kicked. */
const PATIENCE_MICROSECONDS = 20_000;
/** For the second try: a busy host may have paused the first. */
const LONG_PATIENCE_MICROSECONDS = 300_000;
const NOP = 0x90;
const HLT = 0xf4;

/** Opens KVM, probes and closes again. Throws the binding's error when KVM cannot be used. */
export function probeThisHost(): DebugCapabilities {
  const system = native().openSystem();
  try {
    const machine = new KvmProbeMachine(system);
    try {
      return probeHost(machine);
    } finally {
      machine.close();
    }
  } finally {
    system.close();
  }
}

class KvmProbeMachine implements ProbeMachine {
  readonly blockIrq: boolean;
  private readonly vm: NativeVm;
  private readonly memory: NativeMemory;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly vcpu: Vcpu;
  private readOnly = false;

  constructor(system: NativeSystem) {
    const { constants } = native();
    this.vm = system.createVm();
    const debugFlags = this.vm.checkExtension(constants['KVM_CAP_SET_GUEST_DEBUG2']);
    this.blockIrq = (debugFlags & (constants['KVM_GUESTDBG_BLOCKIRQ'])) !== 0;
    const emulationExit = constants['KVM_CAP_EXIT_ON_EMULATION_FAILURE'];
    if (this.vm.checkExtension(emulationExit) > 0) this.vm.enableCap(emulationExit, 1);
    this.vm.setTssAddr(0xfffb_d000);
    this.memory = native().allocateMemory(MEMORY_SIZE);
    try {
      this.bytes = new Uint8Array(this.memory.buffer);
      this.view = new DataView(this.memory.buffer);
      this.vm.setMemorySlot(SLOT_RAM, 0, 0n, this.memory, 0, DATA);
      this.vm.setMemorySlot(SLOT_DATA, 0, BigInt(DATA), this.memory, DATA, PAGE);
      this.vcpu = new Vcpu(this.vm.createVcpu(0));
      this.vcpu.native.setCpuid2(system.getSupportedCpuid());
    } catch (error) {
      this.vm.close();
      this.memory.close();
      throw error;
    }
  }

  /** What did not run or end is tried once more: a host that cannot does so again; one failed call or a pause is no answer. */
  run(probe: ProbeRun): ProbeObservation {
    const observation = this.runOnce(probe, PATIENCE_MICROSECONDS);
    const { reason } = observation.exit;
    return reason === 'run-error' || reason === 'kicked' ? this.runOnce(probe, LONG_PATIENCE_MICROSECONDS) : observation;
  }

  private runOnce(probe: ProbeRun, waitMicroseconds: number): ProbeObservation {
    this.setDataReadOnly(probe.readOnlyData === true);
    this.layOut(probe);
    applyCpuState(this.vcpu, initialState(probe));
    const slot = probe.executeAt !== undefined
      ? [{ index: 0, type: 'execute' as const, address: BigInt(CODE + probe.executeAt), length: 1 as const }]
      : probe.watchData === true ? [{ index: 0, type: 'write' as const, address: BigInt(DATA), length: 1 as const }] : [];
    const plan: RunPlan = {
      mode: probe.step === true ? 'step' : 'continue',
      debug: guestDebug({ step: probe.step === true, interceptInt3: probe.interceptInt3 === true, debugRegisters: slot }),
      ...(probe.step === true && { maxSteps: 1 }),
      waitMicroseconds,
      fresh: true,
    };
    let exit = this.vcpu.runToExit(plan);
    // Port I/O of the probe's own OUT: nothing answers, the run goes on.
    for (let i = 0; exit.reason === 'io' && i < 4; i++) exit = this.vcpu.runToExit({ ...plan, fresh: false });
    // An access that ended the run must not reach into the next one.
    for (let i = 0; this.vcpu.completionPending && i < 4; i++) this.vcpu.complete();
    const linear = probe.mode === 'long' ? this.vcpu.regs.rip : this.vcpu.regs.rip + this.vcpu.readSregs().cs.base;
    const stack = Number(this.vcpu.regs.rsp & 0xffffn);
    return { exit, offset: Number(linear) - CODE, stackTop: stack + 2 <= MEMORY_SIZE ? this.view.getUint16(stack, true) : 0 };
  }

  close(): void {
    this.vcpu.close();
    this.vm.close();
    this.memory.close();
  }

  private setDataReadOnly(readOnly: boolean): void {
    if (readOnly === this.readOnly) return;
    this.readOnly = readOnly;
    const flags = readOnly ? (native().constants['KVM_MEM_READONLY']) : 0;
    this.vm.removeMemorySlot(SLOT_DATA);
    this.vm.setMemorySlot(SLOT_DATA, flags, BigInt(DATA), this.memory, DATA, PAGE);
  }

  /** Code, a handler of NOPs that ends in HLT, and interrupt tables whose every vector leads to it. */
  private layOut({ mode, code }: ProbeRun): void {
    this.bytes.fill(0);
    this.bytes.set(code, CODE);
    this.bytes.fill(NOP, CODE + HANDLER_OFFSET, CODE + HANDLER_OFFSET + 4);
    this.bytes[CODE + HANDLER_OFFSET + 4] = HLT;
    const handler = CODE + HANDLER_OFFSET;
    for (let vector = 0; vector < 32; vector++) {
      if (mode === 'real') this.view.setUint32(vector * 4, handler, true);
      else if (mode === 'protected') this.view.setBigUint64(IDT + vector * 8, interruptGate(handler), true);
      else this.view.setBigUint64(IDT + vector * 16, interruptGate(handler), true);
    }
    this.view.setBigUint64(GDT + 8, mode === 'long' ? 0x00af_9b00_0000_ffffn : 0x00cf_9b00_0000_ffffn, true);
    this.view.setBigUint64(GDT + 16, 0x00cf_9300_0000_ffffn, true);
    this.view.setBigUint64(TSS + TSS_RSP0, BigInt(STACK_TOP), true);
    this.view.setBigUint64(PML4, BigInt(PML4 + PAGE) | 7n, true);
    this.view.setBigUint64(PML4 + PAGE, BigInt(PML4 + 2 * PAGE) | 7n, true);
    this.view.setBigUint64(PML4 + 2 * PAGE, 0x87n, true);
  }
}

/** A present 32- or 64-bit interrupt gate to offset `handler` in selector 8 (SDM vol. 3, 6.11 and 6.14.1). */
function interruptGate(handler: number): bigint {
  return BigInt(handler & 0xffff) | (8n << 16n) | (0x8e00n << 32n) | (BigInt(handler >>> 16) << 48n);
}

function initialState({ mode, resumeFlag, user }: ProbeRun): CpuState {
  const state = resetState();
  const { regs, sregs } = state;
  regs.rflags = resumeFlag === true ? 0x1_0002n : 2n;
  regs.rsp = BigInt(STACK_TOP);
  regs.rbx = BigInt(DATA);
  regs.rdi = BigInt(DATA);
  regs.rip = BigInt(CODE);
  sregs.idt = { base: 0n, limit: 0x3ff };
  if (mode === 'real') {
    // DATA lies above 32 KiB, within the 64 KiB of a segment with base 0.
    for (const name of ['cs', 'ds', 'es', 'ss'] as const) Object.assign(sregs[name], { selector: 0, base: 0n });
    return state;
  }
  sregs.cr0 = 0x11n;
  sregs.gdt = { base: BigInt(GDT), limit: 0x17 };
  sregs.idt = { base: BigInt(IDT), limit: mode === 'long' ? 32 * 16 - 1 : 32 * 8 - 1 };
  const flat = { base: 0n, limit: 0xffff_ffff, present: 1, dpl: 0, s: 1, g: 1, avl: 0, unusable: 0 };
  const data: Segment = { ...flat, selector: 16, type: 3, db: 1, l: 0 };
  for (const name of ['ds', 'es', 'fs', 'gs', 'ss'] as const) sregs[name] = { ...data };
  sregs.cs = { ...flat, selector: 8, type: 11, db: mode === 'long' ? 0 : 1, l: mode === 'long' ? 1 : 0 };
  if (mode === 'long') {
    sregs.cr0 = 0x8000_0011n;
    sregs.cr3 = BigInt(PML4);
    sregs.cr4 = 0x20n;
    sregs.efer = 0x500n;
    sregs.tr = { ...sregs.tr, base: BigInt(TSS), limit: 0x67, type: 11 };
  }
  if (user === true) {
    for (const name of ['cs', 'ds', 'es', 'fs', 'gs', 'ss'] as const) {
      sregs[name].dpl = 3;
      sregs[name].selector |= 3;
    }
  }
  return state;
}
