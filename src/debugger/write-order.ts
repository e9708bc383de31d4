/**
 * Which writes to protected pages were carried out while a vCPU was in the guest: one of its own to the same bytes may have
 * been worked out from what they held before.
 */
interface Write {
  readonly number: number;
  /** GPA of the first byte. */
  readonly start: number;
  readonly end: number;
}

/** More are not looked through; what is older counts as a write to any byte. */
const MOST_KEPT = 256;

export class WriteOrder {
  private count = 0;
  private writes: Write[] = [];
  /** By vCPU: how many writes there were when it entered the guest. */
  private readonly entered: number[] = [];

  /** A vCPU enters the guest. */
  enters(cpu: number): void {
    this.entered[cpu] = this.count;
  }

  /** Whether bytes were written since a vCPU entered the guest. */
  overlaps(cpu: number, gpa: number, length: number): boolean {
    const since = this.entered[cpu] ?? 0;
    const oldest = this.count - this.writes.length;
    return since < oldest || this.writes.some(({ number, start, end }) => number >= since && start < gpa + length && gpa < end);
  }

  wrote(gpa: number, length: number): void {
    this.writes.push({ number: this.count++, start: gpa, end: gpa + length });
    if (this.writes.length > 2 * MOST_KEPT) this.writes = this.writes.slice(-MOST_KEPT);
  }
}
