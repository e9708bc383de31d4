/**
 * Processor states that boot loaders hand over: real mode, flat 32-bit protected mode, and long mode, as literals of
 * segment registers with their hidden parts (SDM vol. 3A, 3.4.5, 10.9).
 */
import type { CpuState, GeneralRegisters, Segment, SystemRegisters } from '../../x86/cpu-state.js';
import { realModeSegment, resetState, zeroGeneralRegisters } from '../reset-state.js';
import type { MemoryWrite } from './boot-options.js';

/** CR0: PE, MP, ET, NE, PG. */
const CR0_PE = 0x1n, CR0_MP = 0x2n, CR0_ET = 0x10n, CR0_NE = 0x20n, CR0_PG = 0x8000_0000n;
/** CR4: PAE, OSFXSR, OSXMMEXCPT. */
const CR4_PAE = 0x20n, CR4_SSE = 0x600n;
const EFER_LME = 0x100n, EFER_LMA = 0x400n;

/** Where the flat segments lie in the GDT; the TSS comes last. */
export interface Selectors {
  readonly code: number;
  readonly data: number;
  readonly tss: number;
}

export const SELECTORS: Selectors = { code: 0x08, data: 0x10, tss: 0x18 };
/** __BOOT_CS and __BOOT_DS (Linux, Documentation/arch/x86/boot.rst). */
export const LINUX_SELECTORS: Selectors = { code: 0x10, data: 0x18, tss: 0x20 };

/** Bytes of the table `gdt` makes. */
export function gdtSize({ tss }: Selectors): number {
  return tss + 8;
}

/** A GDT with the segments of `protectedMode` or `longMode`: null, code, data, and a TSS of 104 bytes at 0. */
export function gdt(address: number, code: 32 | 64, selectors = SELECTORS): MemoryWrite {
  const bytes = new Uint8Array(gdtSize(selectors));
  const view = new DataView(bytes.buffer);
  view.setBigUint64(selectors.code, code === 64 ? 0x00af_9b00_0000_ffffn : 0x00cf_9b00_0000_ffffn, true);
  view.setBigUint64(selectors.data, 0x00cf_9300_0000_ffffn, true);
  view.setBigUint64(selectors.tss, 0x0000_8b00_0000_0067n, true);
  return { address: BigInt(address), bytes };
}

/** Real mode at CS:IP, the other segments `data`, SP at `stack` in it. */
export function realMode(cs: number, ip: number, stack: number, regs: Partial<GeneralRegisters> = {}, data = 0): CpuState {
  const { sregs } = resetState();
  const segment = realModeSegment(data);
  return {
    regs: { ...zeroGeneralRegisters(), rip: BigInt(ip), rsp: BigInt(stack), ...regs },
    sregs: {
      ...sregs,
      ds: segment, es: segment, fs: segment, gs: segment, ss: segment,
      cs: realModeSegment(cs, { type: 0xb }),
      // Firmware has turned the caches on (CD and NW clear) and left the interrupt table at 0.
      cr0: CR0_ET,
      idt: { base: 0n, limit: 0x3ff },
    },
  };
}

/** 32-bit protected mode without paging, flat segments of 4 GiB, interrupts off. */
export function protectedMode(entry: bigint, gdtAddress: number, regs: Partial<GeneralRegisters> = {}, selectors = SELECTORS): CpuState {
  return {
    regs: { ...zeroGeneralRegisters(), rip: entry, ...regs },
    sregs: { ...flatSystemRegisters(gdtAddress, 32, selectors), cr0: CR0_PE | CR0_ET },
  };
}

/** 64-bit mode with the page tables at `cr3`; SSE is enabled, as compiled code needs it (UEFI 2.10, 2.3.4). */
export function longMode(entry: bigint, gdtAddress: number, cr3: number, regs: Partial<GeneralRegisters> = {}, selectors = SELECTORS): CpuState {
  return {
    regs: { ...zeroGeneralRegisters(), rip: entry, ...regs },
    sregs: {
      ...flatSystemRegisters(gdtAddress, 64, selectors),
      cr0: CR0_PG | CR0_NE | CR0_ET | CR0_MP | CR0_PE,
      cr3: BigInt(cr3),
      cr4: CR4_PAE | CR4_SSE,
      efer: EFER_LME | EFER_LMA,
    },
  };
}

function flatSystemRegisters(gdtAddress: number, code: 32 | 64, selectors: Selectors): SystemRegisters {
  const { sregs } = resetState();
  const data = flatSegment(selectors.data, 0x3, { db: 1 });
  return {
    ...sregs,
    cs: flatSegment(selectors.code, 0xb, code === 64 ? { l: 1 } : { db: 1 }),
    ds: data, es: data, fs: data, gs: data, ss: data,
    tr: realModeSegment(selectors.tss, { base: 0n, limit: 0x67, type: 0xb, s: 0 }),
    ldt: realModeSegment(0, { limit: 0, type: 0x2, s: 0, present: 0, unusable: 1 }),
    gdt: { base: BigInt(gdtAddress), limit: gdtSize(selectors) - 1 },
    // No interrupt table: an exception before the guest loads its own is a triple fault, which a debugger shows.
    idt: { base: 0n, limit: 0 },
  };
}

function flatSegment(selector: number, type: number, change: Partial<Segment>): Segment {
  return realModeSegment(selector, { base: 0n, limit: 0xffff_ffff, type, g: 1, ...change });
}
