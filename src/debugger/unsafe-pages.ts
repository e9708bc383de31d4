/**
 * Pages that must not be write-protected because the processor writes them by other means than an instruction's own
 * stores: stacks (PUSHA and INT n push several values, of which KVM's emulator tells only the last when the page is
 * read-only), descriptor tables (Accessed and Busy bits), task states, page tables (Accessed and Dirty bits).
 * docs/decisions/0011-read-only-pages.md.
 */
import { linearSp } from '../x86/cpu-mode.js';
import { PAGE_SIZE, pageOf } from '../vmm/write-protection.js';
import type { CpuView } from './cpu-view.js';

/** RSP0–2 and IST1–7 in a 64-bit task-state segment, ESP0 in a 32-bit one (SDM vol. 3, 8.2.1, 8.7). */
const TSS64_STACKS = [0x04, 0x0c, 0x14, 0x24, 0x2c, 0x34, 0x3c, 0x44, 0x4c, 0x54];
const TSS32_STACKS = [0x04];

export class UnsafePages {
  /** Pages that were found to be a stack while the guest ran. */
  private readonly found = new Set<number>();

  add(page: number): void {
    this.found.add(page);
  }

  /** After a reset the guest starts over. */
  clear(): void {
    this.found.clear();
  }

  /** All that are known now, with the page tables on the way to each of `watched` (linear addresses). */
  of(views: readonly CpuView[], watched: readonly bigint[]): ReadonlySet<number> {
    const pages = new Set(this.found);
    for (const view of views) {
      for (const page of systemPages(view)) pages.add(page);
      const stack = stackPage(view);
      if (stack !== undefined) pages.add(stack);
      for (const linear of [view.pc, ...watched]) for (const entry of view.memory.tableEntries(linear)) pages.add(pageOf(entry));
    }
    return pages;
  }
}

/** GPA of the page that the next push writes; undefined where none is mapped. */
export function stackPage(view: CpuView): number | undefined {
  const top = linearSp(view.vcpu.readSregs(), view.vcpu.regs.rsp, view.mode);
  const gpa = view.memory.physical(top - 1n);
  return gpa === undefined ? undefined : pageOf(gpa);
}

/** Descriptor tables, the task state, and the stacks that it names. */
function systemPages(view: CpuView): Set<number> {
  const pages = new Set<number>();
  const add = (linear: bigint, length = 1): void => {
    for (let at = 0; at < length; at += PAGE_SIZE) {
      const gpa = view.memory.physical(linear + BigInt(at));
      if (gpa !== undefined) pages.add(pageOf(gpa));
    }
  };
  const { gdt, ldt, tr } = view.vcpu.readSregs();
  if (view.mode.usesParagraphs) return pages;
  // Base 0 with the whole 64 KiB is what reset leaves: no table has been loaded.
  if (gdt.base !== 0n || gdt.limit !== 0xffff) add(gdt.base, gdt.limit + 1);
  if (ldt.present !== 0 && ldt.unusable === 0) add(ldt.base, Math.min(ldt.limit, 0xffff) + 1);
  if (tr.limit < 0x67 || tr.base === 0n) return pages;
  add(tr.base, 0x68);
  const size = view.mode.isLong ? 8 : 4;
  for (const offset of view.mode.isLong ? TSS64_STACKS : TSS32_STACKS) {
    const bytes = view.memory.read(tr.base + BigInt(offset), size);
    const stack = bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
    if (stack !== 0n) add(stack - 1n);
  }
  return pages;
}
