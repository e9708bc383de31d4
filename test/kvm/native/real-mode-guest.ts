/** A machine of one vCPU in real mode with flat segments and a few bytes of code, on the real /dev/kvm. */
import type { Exit } from '../../../src/vmm/exit.js';
import { native, type NativeMemory, type NativeSystem, type NativeVm } from '../../../src/vmm/native.js';
import type { RunPlan } from '../../../src/vmm/run-plan.js';
import { Vcpu } from '../../../src/vmm/vcpu.js';
import { patience } from '../../time-scale.js';

export const CODE = 0x1000;
export const STACK = 0x8000;
export const MEMORY_SIZE = 0x10000;
/** Long enough that a loaded machine does not turn a short run into an asynchronous one. */
export const PATIENCE = patience(5000) * 1000;

export const CONTINUE: RunPlan = { mode: 'continue', waitMicroseconds: PATIENCE, fresh: true };
export const STEP: RunPlan = { mode: 'step', waitMicroseconds: PATIENCE, fresh: true };

export class RealModeGuest {
  readonly system: NativeSystem;
  readonly vm: NativeVm;
  readonly memory: NativeMemory;
  readonly bytes: Uint8Array;
  readonly vcpu: Vcpu;

  /** `code` is put at CODE, where CS:IP = 0:CODE points. */
  constructor(code: readonly number[]) {
    const { constants } = native();
    this.system = native().openSystem();
    this.vm = this.system.createVm();
    if (this.vm.checkExtension(constants['KVM_CAP_EXIT_ON_EMULATION_FAILURE']) > 0) {
      this.vm.enableCap(constants['KVM_CAP_EXIT_ON_EMULATION_FAILURE'], 1);
    }
    this.vm.setTssAddr(0xfffb_d000);
    this.memory = native().allocateMemory(MEMORY_SIZE);
    this.bytes = new Uint8Array(this.memory.buffer);
    this.vm.setMemorySlot(0, 0, 0n, this.memory, 0, MEMORY_SIZE);
    this.vcpu = new Vcpu(this.vm.createVcpu(0));
    this.load(code);
  }

  load(code: readonly number[]): void {
    this.bytes.set(code, CODE);
    const { cs } = this.vcpu.readSregs();
    this.vcpu.writeSregs({ cs: { ...cs, base: 0n, selector: 0 } });
    this.vcpu.regs.rip = BigInt(CODE);
    this.vcpu.regs.rsp = BigInt(STACK);
    // IF is set: the emulated VMX of docs/hosts.md takes no interrupt from a guest that masks them and never exits.
    this.vcpu.regs.rflags = 0x202n;
  }

  run(plan: RunPlan = CONTINUE): Exit {
    return this.vcpu.runToExit(plan);
  }

  /** Goes on with the plan that ran last. */
  goOn(plan: RunPlan = CONTINUE): Exit {
    return this.vcpu.runToExit({ ...plan, fresh: false });
  }

  /** IP relative to the first instruction. */
  get offset(): number {
    return Number(this.vcpu.regs.rip) - CODE;
  }

  close(): void {
    this.system.close();
    this.memory.close();
  }
}

/** Runs `body` with a guest and closes it whatever happens. */
export async function withGuest(code: readonly number[], body: (guest: RealModeGuest) => void | Promise<void>): Promise<void> {
  const guest = new RealModeGuest(code);
  try {
    await body(guest);
  } finally {
    guest.close();
  }
}

/** The error that `body` throws, with the parts of a NativeError. */
export function thrown(body: () => unknown): { code?: string; message: string; operation?: string } {
  try {
    body();
  } catch (error) {
    return error as Error;
  }
  return { message: 'nothing was thrown' };
}
