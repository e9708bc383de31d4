/**
 * The instructions that a debugger may want to stop at, or must look at again after a step: each has a kind, all the
 * others are `other` (SDM vol. 2; APM vol. 3).
 */

export type InstructionKind =
  | 'cpuid' | 'rdmsr' | 'wrmsr' | 'hlt'
  /** INT n, INT3, INT1 (ICEBP) and INTO, whether OF is set or not. */
  | 'int'
  /** With INS and OUTS. */
  | 'in' | 'out'
  /** MOV to or from a control or debug register. */
  | 'mov-cr' | 'mov-dr'
  | 'lidt' | 'lgdt' | 'lmsw'
  /** JMP, CALL and RET that load CS. */
  | 'far-branch'
  | 'iret'
  /** SYSCALL, SYSENTER and their returns. */
  | 'syscall'
  | 'other';

/** By mnemonic, in lower case; MOV and the far branches are told apart by their operands. */
const KIND_OF_MNEMONIC: ReadonlyMap<string, InstructionKind> = new Map<string, InstructionKind>([
  ['cpuid', 'cpuid'], ['rdmsr', 'rdmsr'], ['wrmsr', 'wrmsr'], ['wrmsrns', 'wrmsr'], ['hlt', 'hlt'],
  ['int', 'int'], ['int3', 'int'], ['int1', 'int'], ['into', 'int'],
  ['in', 'in'], ['insb', 'in'], ['insw', 'in'], ['insd', 'in'],
  ['out', 'out'], ['outsb', 'out'], ['outsw', 'out'], ['outsd', 'out'],
  ['lidt', 'lidt'], ['lgdt', 'lgdt'], ['lmsw', 'lmsw'],
  ['retf', 'far-branch'],
  ['iret', 'iret'], ['iretd', 'iret'], ['iretq', 'iret'],
  ['syscall', 'syscall'], ['sysret', 'syscall'], ['sysretq', 'syscall'],
  ['sysenter', 'syscall'], ['sysexit', 'syscall'], ['sysexitq', 'syscall'],
]);

/** What the decoder says of an instruction. */
export interface InstructionName {
  /** In lower case. */
  readonly mnemonic: string;
  /** The decoder's name of the form, such as `Mov_r32_cr` or `Jmp_ptr1616`. */
  readonly form: string;
  /** JMP or CALL with a selector. */
  readonly isFar: boolean;
}

export function kindOf({ mnemonic, form, isFar }: InstructionName): InstructionKind {
  if (isFar) return 'far-branch';
  if (mnemonic === 'mov' && /_cr(_|$)/.test(form)) return 'mov-cr';
  if (mnemonic === 'mov' && /_dr(_|$)/.test(form)) return 'mov-dr';
  return KIND_OF_MNEMONIC.get(mnemonic) ?? 'other';
}
