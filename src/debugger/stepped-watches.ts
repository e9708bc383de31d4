/**
 * Watchpoints that no hardware finds: before each step the instruction is decoded for what it will read and write, and
 * afterwards the bytes are compared, for what the processor wrote by itself (the frame of an exception, say). What a device
 * wrote meanwhile does not count: after such a step nothing is compared.
 */
import type { Breakpoint } from '../breakpoints/breakpoint-set.js';
import type { WatchHit } from '../breakpoints/guarded-memory.js';
import type { GeneralRegisters } from '../x86/cpu-state.js';
import { accessesOf, type Instruction } from '../x86/instruction-access.js';
import type { CpuView } from './cpu-view.js';

/** The longest instruction (SDM vol. 2, 2.3.11). */
const LONGEST_INSTRUCTION = 15;
/** Bytes of a watch that are compared; of longer ones only what instructions write is seen. */
const MOST_COMPARED = 4096;

/** The instruction that is being stepped. */
interface Stepped {
  readonly code: Uint8Array;
  readonly instruction: Instruction | undefined;
  readonly rip: bigint;
  readonly rcx: bigint;
  readonly hostWrites: number;
  /** Of a REP instruction: what its iterations are told from. */
  readonly regs: GeneralRegisters | undefined;
}

export class SteppedWatches {
  private readonly contents = new Map<Breakpoint, Uint8Array>();
  private stepped: Stepped | undefined;

  /** `compares`: no other vCPU writes meanwhile, so that what has changed is this one's work. */
  constructor(private readonly view: CpuView, private readonly watches: readonly Breakpoint[], private readonly compares: boolean) {}

  /** The instruction at the pc is about to run. */
  before(): void {
    const { vcpu: { regs }, memory, pc } = this.view;
    const code = memory.read(pc, LONGEST_INSTRUCTION);
    const instruction = this.decode(code, regs);
    this.stepped = { code, instruction, rip: regs.rip, rcx: regs.rcx, hostWrites: this.view.hostWrites, regs: instruction?.isRepeated === true ? { ...regs } : undefined };
    for (const watch of this.watches) {
      if (this.compares && watch.kind !== 'read') this.contents.set(watch, this.bytesOf(watch));
    }
  }

  /** What the instruction touched. One that faulted touched nothing by itself. */
  after(enteredHandler: boolean): WatchHit<Breakpoint> | undefined {
    const { stepped } = this;
    const { rip, rcx } = this.view.vcpu.regs;
    const faulted = enteredHandler && stepped?.instruction?.kind !== 'int';
    const ran = stepped !== undefined && !faulted && (rip !== stepped.rip || rcx !== stepped.rcx);
    const touched = ran ? this.touchedBy(stepped) : undefined;
    return touched ?? (this.compares && stepped?.hostWrites === this.view.hostWrites ? this.changed() : undefined);
  }

  private touchedBy({ code, instruction, regs }: Stepped): WatchHit<Breakpoint> | undefined {
    // A step may carry out many iterations of a REP instruction; rCX says how many it was.
    const made = regs === undefined ? instruction : this.decode(code, regs, Number(BigInt.asUintN(64, regs.rcx - this.view.vcpu.regs.rcx)));
    for (const { linear, size, read, write } of made?.accesses ?? []) {
      for (const watch of this.watches) {
        if (!(watch.kind === 'access' || (watch.kind === 'read' ? read : write))) continue;
        if (linear >= watch.address + BigInt(watch.length) || watch.address >= linear + BigInt(size)) continue;
        return { watch, address: linear > watch.address ? linear : watch.address };
      }
    }
    return undefined;
  }

  private changed(): WatchHit<Breakpoint> | undefined {
    for (const [watch, before] of this.contents) {
      const now = this.bytesOf(watch);
      const first = before.findIndex((byte, i) => byte !== now[i]);
      if (first >= 0) return { watch, address: watch.address + BigInt(first) };
    }
    return undefined;
  }

  private decode(code: Uint8Array, regs: Readonly<GeneralRegisters>, iterations?: number): Instruction | undefined {
    const { vcpu, mode, xsaveLayout } = this.view;
    const xsave = {
      get xcr0() { return vcpu.xcr0; },
      get area() { return vcpu.xsave; },
      get layout() { return xsaveLayout; },
    };
    return accessesOf(code, { regs, sregs: vcpu.readSregs(), mode, xsave }, iterations);
  }

  private bytesOf({ address, length }: Breakpoint): Uint8Array {
    return this.view.memory.read(address, Math.min(length, MOST_COMPARED));
  }
}
