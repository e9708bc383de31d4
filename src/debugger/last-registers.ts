/**
 * The registers as they were when a vCPU last entered the guest. On SVM a triple fault resets the processor before
 * user space sees it, so a debugger would show the reset state (docs/hosts.md); the last known registers say
 * more.
 */
import type { Vcpu } from '../vmm/vcpu.js';

/** CS.base and RIP after INIT (SDM vol. 3, "Processor State After Reset"). */
const RESET_CS_BASE = 0xffff_0000n;
const RESET_RIP = 0xfff0n;

export class LastRegisters {
  private regs: Uint8Array | undefined;
  private sregs: Uint8Array | undefined;

  constructor(private readonly vcpu: Vcpu) {}

  /** Called before each run; copies what the exit record holds, no ioctl. */
  keep(): void {
    const { regs, sregs } = this.vcpu.copyRegisters();
    this.regs = regs;
    this.sregs = sregs;
  }

  /** Puts the registers back if the vCPU stands in its reset state now. True: it did, and they were. */
  restoreIfReset(): boolean {
    if (this.regs === undefined || this.sregs === undefined) return false;
    if (this.vcpu.regs.rip !== RESET_RIP || this.vcpu.readSregs().cs.base !== RESET_CS_BASE) return false;
    this.vcpu.restoreRegisters(this.regs, this.sregs);
    return true;
  }
}
