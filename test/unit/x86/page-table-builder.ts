/** Guest-physical memory for page-walk tests: a sparse map of dwords within a fixed size. */
import type { PhysicalReader } from '../../../src/x86/page-walk.js';

export class TableMemory implements PhysicalReader {
  private readonly dwords = new Map<number, number>();
  reads = 0;
  constructor(readonly size = 0x10_0000) {}

  read32(gpa: number): number | undefined {
    this.reads++;
    return gpa + 4 <= this.size ? (this.dwords.get(gpa) ?? 0) : undefined;
  }

  set32(gpa: number, value: number): this {
    this.dwords.set(gpa, value >>> 0);
    return this;
  }

  set64(gpa: number, value: bigint): this {
    this.set32(gpa, Number(BigInt.asUintN(32, value)));
    return this.set32(gpa + 4, Number(BigInt.asUintN(32, value >> 32n)));
  }
}
