/**
 * Watchpoints that no hardware finds: before each step the instruction is decoded for what it will read and write, and
 * afterwards the bytes are compared, for what the processor wrote by itself (the frame of an exception, say).
 */
import type { Breakpoint } from '../breakpoints/breakpoint-set.js';
import type { WatchHit } from '../breakpoints/guarded-memory.js';
import { accessesOf } from '../x86/instruction-access.js';
import type { CpuView } from './cpu-view.js';

/** The longest instruction (SDM vol. 2, 2.3.11). */
const LONGEST_INSTRUCTION = 15;
/** Bytes of a watch that are compared; of longer ones only what instructions write is seen. */
const MOST_COMPARED = 4096;

interface Before {
  readonly hit: WatchHit<Breakpoint> | undefined;
  readonly rip: bigint;
  readonly rcx: bigint;
}

export class SteppedWatches {
  private readonly contents = new Map<Breakpoint, Uint8Array>();
  private last: Before | undefined;

  constructor(private readonly view: CpuView, private readonly watches: readonly Breakpoint[]) {}

  /** The instruction at the pc is about to run. */
  before(): void {
    const { regs } = this.view.vcpu;
    this.last = { hit: this.predicted(), rip: regs.rip, rcx: regs.rcx };
    for (const watch of this.watches) {
      if (watch.kind !== 'read') this.contents.set(watch, this.bytesOf(watch));
    }
  }

  /** What the instruction touched. One that did not run (it faulted) touched nothing. */
  after(): WatchHit<Breakpoint> | undefined {
    const { regs } = this.view.vcpu;
    const { last } = this;
    const ran = last !== undefined && (regs.rip !== last.rip || regs.rcx !== last.rcx);
    if (ran && last.hit !== undefined) return last.hit;
    for (const [watch, before] of this.contents) {
      const now = this.bytesOf(watch);
      const first = before.findIndex((byte, i) => byte !== now[i]);
      if (first >= 0) return { watch, address: watch.address + BigInt(first) };
    }
    return undefined;
  }

  private predicted(): WatchHit<Breakpoint> | undefined {
    const { vcpu, mode, memory, pc } = this.view;
    const instruction = accessesOf(memory.read(pc, LONGEST_INSTRUCTION), { regs: vcpu.regs, sregs: vcpu.readSregs(), mode });
    for (const { linear, size, read, write } of instruction?.accesses ?? []) {
      for (const watch of this.watches) {
        if (!(watch.kind === 'access' || (watch.kind === 'read' ? read : write))) continue;
        if (linear >= watch.address + BigInt(watch.length) || watch.address >= linear + BigInt(size)) continue;
        return { watch, address: linear > watch.address ? linear : watch.address };
      }
    }
    return undefined;
  }

  private bytesOf({ address, length }: Breakpoint): Uint8Array {
    return this.view.memory.read(address, Math.min(length, MOST_COMPARED));
  }
}
