/**
 * What a vCPU's CPUID table says about the registers it has: the XSAVE components for the description and where they
 * lie (SDM vol. 1, 13.2; CPUID leaf 0xD).
 */
import { native } from '../vmm/native.js';
import type { Vcpu } from '../vmm/vcpu.js';
import { xsaveLayout, XSTATE, type XsaveLayout } from '../x86/xsave.js';

const LEAF_XSAVE = 0xd;

export interface CpuFeatures {
  readonly avx: boolean;
  readonly avx512: boolean;
  readonly pkru: boolean;
  readonly xsave: XsaveLayout;
}

/** Reads leaf 0xD of the vCPU's own table. */
export function cpuFeatures(vcpu: Vcpu): CpuFeatures {
  const table = vcpu.native.getCpuid2();
  const entry = native().layout['kvm_cpuid_entry2'] as { size: number; fields: Record<string, { offset: number }> };
  const view = new DataView(table.buffer, table.byteOffset, table.length);
  const field = (start: number, name: string): number => view.getUint32(start + (entry.fields[name]).offset, true);
  const subleaves = [];
  for (let start = 0; start + entry.size <= table.length; start += entry.size) {
    if (field(start, 'function') !== LEAF_XSAVE || field(start, 'index') < 2) continue;
    subleaves.push({ component: field(start, 'index'), size: field(start, 'eax'), offset: field(start, 'ebx') });
  }
  const xsave = xsaveLayout(subleaves, vcpu.xsave.length);
  return {
    avx: xsave.has(XSTATE.avx),
    avx512: xsave.has(XSTATE.opmask) && xsave.has(XSTATE.zmmHi256) && xsave.has(XSTATE.hi16Zmm),
    pkru: xsave.has(XSTATE.pkru),
    xsave,
  };
}
