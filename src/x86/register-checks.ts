/**
 * Which values the system registers take (SDM vol. 3, 2.5 and 2.2.1; vol. 2, "MOV to control registers", "XSETBV",
 * "WRMSR"). KVM refuses a bad set of registers as a whole and only at the next run; here each write is refused by
 * itself, in words.
 */
import type { SystemRegisters } from './cpu-state.js';
import { describeMsr, MSR } from './msrs.js';
import { RegisterWriteError } from './register-file.js';

const CR0_PE = 1n << 0n;
const CR0_ET = 1n << 4n;
const CR0_NW = 1n << 29n;
const CR0_CD = 1n << 30n;
const CR0_PG = 1n << 31n;
const CR0_DEFINED = 0xe005_003fn;
const CR4_PAE = 1n << 5n;
const CR4_LA57 = 1n << 12n;
const CR4_PCIDE = 1n << 17n;
const CR4_DEFINED = 0x1ff_7fffn;
const EFER_LME = 1n << 8n;
const EFER_LMA = 1n << 10n;
const EFER_DEFINED = 0x7d01n;

type Control = Pick<SystemRegisters, 'cr0' | 'cr4' | 'efer'>;

function refuse(sentence: string): never {
  throw new RegisterWriteError(sentence);
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

/** @throws RegisterWriteError if `value` has a bit outside `defined`. */
export function checkDefined(name: string, value: bigint, defined: bigint): void {
  const reserved = value & ~defined;
  if (reserved !== 0n) refuse(`${name} cannot be ${hex(value)}: the bits ${hex(reserved)} are reserved`);
}

/** Bits 63..47 all equal, or 63..56 when `la57`. */
export function checkCanonical(name: string, value: bigint, cr4: bigint): void {
  const width = (cr4 & CR4_LA57) !== 0n ? 57 : 48;
  if (BigInt.asUintN(64, BigInt.asIntN(width, value)) !== value) {
    refuse(`${name} cannot be ${hex(value)}: it is not a canonical address`);
  }
}

/** The CR0 and EFER that a write of `value` to CR0 leaves: ET stays one, and LMA follows LME and PG. */
export function checkedCr0(value: bigint, current: Control): Pick<SystemRegisters, 'cr0' | 'efer'> {
  checkDefined('cr0', value, CR0_DEFINED);
  if ((value & CR0_PG) !== 0n && (value & CR0_PE) === 0n) refuse('cr0 cannot have PG without PE');
  if ((value & CR0_NW) !== 0n && (value & CR0_CD) === 0n) refuse('cr0 cannot have NW without CD');
  const turnsPagingOn = (value & ~current.cr0 & CR0_PG) !== 0n;
  const wantsLong = (current.efer & EFER_LME) !== 0n;
  if (turnsPagingOn && wantsLong && (current.cr4 & CR4_PAE) === 0n) {
    refuse('cr0.PG with efer.LME needs cr4.PAE: set that first');
  }
  if ((value & CR0_PG) === 0n && (current.cr4 & CR4_PCIDE) !== 0n) {
    refuse('cr0.PG cannot be cleared while cr4.PCIDE is set');
  }
  const isLong = wantsLong && (value & CR0_PG) !== 0n;
  return { cr0: value | CR0_ET, efer: isLong ? current.efer | EFER_LMA : current.efer & ~EFER_LMA };
}

/** Throws RegisterWriteError for a CR4 that MOV CR4 would refuse with #GP (SDM vol. 3, 2.5). */
export function checkCr4(value: bigint, current: Control): void {
  checkDefined('cr4', value, CR4_DEFINED);
  if ((current.efer & EFER_LMA) === 0n) {
    if ((value & CR4_PCIDE) !== 0n) refuse('cr4.PCIDE can be set in long mode only');
    return;
  }
  if ((value & CR4_PAE) === 0n) refuse('cr4.PAE cannot be cleared in long mode');
  if (((value ^ current.cr4) & CR4_LA57) !== 0n) refuse('cr4.LA57 cannot change in long mode');
}

/** The EFER that a write of `value` leaves: LMA is the processor's own bit. */
export function checkedEfer(value: bigint, current: Control): bigint {
  checkDefined('efer', value, EFER_DEFINED);
  if (((value ^ current.efer) & EFER_LME) !== 0n && (current.cr0 & CR0_PG) !== 0n) {
    refuse('efer.LME cannot change while cr0.PG is set');
  }
  return (value & ~EFER_LMA) | (current.efer & EFER_LMA);
}

/** Throws RegisterWriteError for an XCR0 that XSETBV would refuse with #GP (SDM vol. 2, XSETBV). */
export function checkXcr0(value: bigint): void {
  const [x87, sse, avx, avx512] = [1n, 2n, 4n, 0xe0n];
  if ((value & x87) === 0n) refuse('xcr0 cannot have X87 clear');
  if ((value & avx) !== 0n && (value & sse) === 0n) refuse('xcr0 cannot have AVX without SSE');
  const upper = value & avx512;
  if (upper !== 0n && (upper !== avx512 || (value & avx) === 0n)) {
    refuse('xcr0 takes OPMASK, ZMM_HI256 and HI16_ZMM together, and with AVX');
  }
}

const ADDRESS_MSRS: readonly number[] = [MSR.lstar, MSR.cstar, MSR.kernel_gs_base, MSR.sysenter_esp, MSR.sysenter_eip];
/** Memory types of a PAT entry: UC, WC, WT, WP, WB, UC- (SDM vol. 3, 13.12.2). */
const PAT_TYPES: readonly bigint[] = [0n, 1n, 4n, 5n, 6n, 7n];

/** Throws RegisterWriteError for a value that WRMSR would refuse with #GP (SDM vol. 4, and vol. 3, 13.12 for PAT). */
export function checkMsr(index: number, value: bigint, cr4: bigint): void {
  const name = describeMsr(index);
  if (ADDRESS_MSRS.includes(index)) checkCanonical(name, value, cr4);
  if (index === MSR.tsc_aux || index === MSR.sfmask) checkDefined(name, value, 0xffff_ffffn);
  if (index !== MSR.pat) return;
  for (let entry = 0n; entry < 8n; entry++) {
    const type = (value >> (8n * entry)) & 0xffn;
    if (!PAT_TYPES.includes(type)) refuse(`pat cannot be ${hex(value)}: PA${entry} has the reserved type ${type}`);
  }
}
