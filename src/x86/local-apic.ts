/** The local APIC's registers: offsets in its page, each in the first 4 of 16 bytes (SDM vol. 3A, table 11-1). */

export const APIC = {
  id: 0x20, version: 0x30, taskPriority: 0x80, processorPriority: 0xa0, logicalDestination: 0xd0, destinationFormat: 0xe0,
  spurious: 0xf0, inService: 0x100, triggerMode: 0x180, request: 0x200, errorStatus: 0x280, commandLow: 0x300, commandHigh: 0x310,
} as const;

export const APIC_TIMER = { initialCount: 0x380, currentCount: 0x390, divide: 0x3e0 } as const;

/** Local vector table, in the order in which debuggers show it. */
export const APIC_LVT = { LVT0: 0x350, LVT1: 0x360, LVTPC: 0x340, LVTERR: 0x370, LVTTHMR: 0x330, LVTT: 0x320 } as const;

export function apicRegister(page: Uint8Array, offset: number): number {
  return new DataView(page.buffer, page.byteOffset).getUint32(offset, true);
}

export function setApicRegister(page: Uint8Array, offset: number, value: number): void {
  new DataView(page.buffer, page.byteOffset).setUint32(offset, value, true);
}

/** Vectors whose bits are set in one of the three registers of 256 bits: `inService`, `triggerMode`, `request`. */
export function apicVectors(page: Uint8Array, offset: number): number[] {
  return Array.from({ length: 256 }, (_, vector) => vector).filter((vector) =>
    (apicRegister(page, offset + 0x10 * (vector >>> 5)) & (1 << (vector & 31))) !== 0);
}

/** Sets or clears the bit of a vector in one of these. */
export function setApicVector(page: Uint8Array, offset: number, vector: number, on: boolean): void {
  const at = offset + 0x10 * (vector >>> 5);
  const bit = 1 << (vector & 31);
  const before = apicRegister(page, at);
  setApicRegister(page, at, on ? before | bit : before & ~bit);
}
