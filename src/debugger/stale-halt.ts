/**
 * A software KVM keeps the halt of a HLT that was stepped, and lets it take effect at the first instruction that is not
 * stepped (docs/hosts.md): that one has been executed, and the vCPU is said to halt behind it. Without an interrupt
 * controller in the kernel that is an exit, with one the vCPU just sleeps there.
 */
import { decode, LONGEST_INSTRUCTION } from '../x86/instruction-decode.js';
import type { CpuMemo } from './cpu-memo.js';
import type { CpuView } from './cpu-view.js';
import { isHaltedInKernel, wake } from './mp-state.js';

const OPCODE_HLT = 0xf4;

/**
 * Whether a vCPU that is said to have halted has not executed a HLT just now. `began`: the linear pc where its run began,
 * if it was stepped before; it tells a HLT from another instruction whose last byte is F4.
 */
export function isStaleHalt({ memory, mode, pc }: Pick<CpuView, 'memory' | 'mode' | 'pc'>, began: bigint | undefined): boolean {
  const last = memory.read(pc - 1n, 1);
  if (last.length === 0) return false;
  if (last[0] !== OPCODE_HLT) return true;
  const first = began === undefined ? undefined : decode(memory.read(began, LONGEST_INSTRUCTION), mode.operandBits, began);
  if (began === undefined || first === undefined || first.kind === 'hlt') return false;
  return began + BigInt(first.length) === pc || first.target === pc;
}

/** The halts of one vCPU's free runs. */
export class FreeRunHalts {
  private began: bigint | undefined;

  /** `inKernel`: HLT is waited for there. `keepsHalts`: whether this host is one that does as said above. */
  constructor(
    private readonly view: CpuView, private readonly memo: CpuMemo,
    private readonly inKernel: boolean, private readonly keepsHalts: () => boolean,
  ) {}

  /** A run begins at the pc. A HLT that was stepped has been passed, though VMX and SVM keep the vCPU halted behind it. */
  runs(): void {
    if (this.inKernel && this.memo.stepped && isHaltedInKernel(this.view.vcpu)) wake(this.view.vcpu);
    this.began = this.memo.stepped ? this.view.pc : undefined;
  }

  /** Of a halt that was told. */
  isStale(): boolean {
    return isStaleHalt(this.view, this.began);
  }

  /** The vCPU may have come to sleep by a halt of old, which no exit tells. */
  get mayBeHidden(): boolean {
    return this.inKernel && this.memo.stepped && this.keepsHalts();
  }

  /** The vCPU is out of the guest for a moment: it is woken from such a halt. */
  look(): void {
    if (!this.mayBeHidden) return;
    if (isHaltedInKernel(this.view.vcpu) && this.isStale()) wake(this.view.vcpu);
    this.memo.stepped = false;
  }
}
