/**
 * One stopped vCPU as the debugger looks at it: mode, linear pc and linear memory, worked out once per stop.
 * `invalidate` must be called whenever the vCPU ran or a register was written.
 */
import { cpl, cpuMode, linearPc, ripOfLinear, type CpuMode } from '../x86/cpu-mode.js';
import type { XsaveLayout } from '../x86/xsave.js';
import type { Machine } from '../vmm/machine.js';
import type { Vcpu } from '../vmm/vcpu.js';
import { LinearMemory } from './linear-memory.js';

export class CpuView {
  private cachedMode: CpuMode | undefined;
  private cachedMemory: LinearMemory | undefined;

  constructor(
    readonly vcpu: Vcpu,
    private readonly machine: Machine,
    /** Where its XSAVE area has each component. */
    readonly xsaveLayout: XsaveLayout,
  ) {}

  invalidate(): void {
    this.cachedMode = undefined;
    this.cachedMemory = undefined;
  }

  get mode(): CpuMode {
    this.cachedMode ??= cpuMode(this.vcpu.readSregs(), this.vcpu.regs.rflags);
    return this.cachedMode;
  }

  get cpl(): number {
    return cpl(this.vcpu.readSregs(), this.mode);
  }

  /** Linear address of the next instruction. */
  get pc(): bigint {
    return linearPc(this.vcpu.readSregs(), this.vcpu.regs.rip, this.mode);
  }

  set pc(linear: bigint) {
    this.vcpu.regs.rip = ripOfLinear(this.vcpu.readSregs(), linear, this.mode);
  }

  get memory(): LinearMemory {
    if (this.cachedMemory === undefined) {
      const { cr0, cr3, cr4, efer } = this.vcpu.readSregs();
      this.cachedMemory = new LinearMemory(this.machine.memory, { cr0, cr3, cr4, efer });
    }
    return this.cachedMemory;
  }

  /** How often guest memory was written by other than the guest. */
  get hostWrites(): number {
    return this.machine.memory.hostWrites;
  }

  /** `0x7c10 (real16)`, for sentences. */
  get where(): string {
    return `0x${this.pc.toString(16)} (${this.mode.name})`;
  }
}
