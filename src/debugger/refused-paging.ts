/** Paging that is switched on outside long mode, which a software KVM refuses by a #GP at the MOV to CR0 (docs/hosts.md). */
import type { CpuView } from './cpu-view.js';

const CR0_PG = 1n << 31n;
const EFER_LME = 1n << 8n;
/** Number in ModRM.rm, as long as there is no REX prefix. */
const REGISTERS = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi'] as const;

/**
 * A sentence for a triple fault at such an instruction: MOV r32, CR0 is 0F 22 /0 with any mod (SDM vol. 2B, "MOV - Move
 * to/from Control Registers"). Undefined at any other.
 */
export function refusedPaging({ vcpu, memory, pc }: CpuView): string | undefined {
  const [first, second, modRm] = memory.read(pc, 3);
  if (first !== 0x0f || second !== 0x22 || modRm === undefined || (modRm & 0x38) !== 0) return undefined;
  const { cr0, efer } = vcpu.readSregs();
  const value = vcpu.regs[REGISTERS[modRm & 7] ?? 'rax'];
  if ((cr0 & CR0_PG) !== 0n || (value & CR0_PG) === 0n || (efer & EFER_LME) !== 0n) return undefined;
  return 'The instruction there switches paging on outside long mode: a software KVM (a host without VMX and SVM) refuses that with a #GP, and there ' +
    'was no handler for it; guests with 32-bit paging need a host with VMX or SVM (docs/hosts.md).';
}
