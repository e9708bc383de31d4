/**
 * Traps at the entries of the handlers that a step may enter (docs/decisions/0005-handler-traps.md): the guest's
 * exception handlers, and the handler of an INT n at the pc.
 *
 * A patch at the handler's first byte where it is mapped to RAM; a debug register where the entry lies inside the
 * interrupt table itself, whose bytes must not change, or where no patch stops on this host.
 */
import type { DebugCapabilities } from '../breakpoints/capabilities.js';
import { inEveryMode } from '../breakpoints/capabilities.js';
import type { PlantedPatches } from '../breakpoints/patches.js';
import { patchMechanism, type PatchMechanism, type PlanContext } from '../breakpoints/planner.js';
import { linearSp, RFLAGS_TF, type CpuMode } from '../x86/cpu-mode.js';
import { DEBUG_REGISTER_COUNT, type DebugRegisterSlot } from '../x86/debug-registers.js';
import { interruptTarget, type InterruptFrame } from '../x86/interrupt-target.js';
import type { CpuView } from './cpu-view.js';

/** Vectors 0–31 are the processor's own exceptions (SDM vol. 3, table 7-1). */
const EXCEPTION_VECTORS = 32;
/** Bytes of an instruction that are looked at for INT n, INT3 and INTO. */
const INT_N = 0xcd;
const INT3 = 0xcc;
const INTO = 0xce;

interface Entry {
  readonly linear: bigint;
  readonly physical: number;
  readonly frame: InterruptFrame;
}

/** The handlers of one interrupt table, valid while its bytes, place and the address space are the same. */
interface KnownHandlers {
  readonly mode: CpuMode;
  readonly idt: bigint;
  readonly cr3: bigint;
  readonly gdt: bigint;
  readonly table: Uint8Array;
  readonly entries: readonly Entry[];
}

/** Handlers found last time, kept per vCPU between steps. */
export class HandlerCache {
  known: KnownHandlers | undefined;
}

export class StepTraps {
  readonly mechanism: PatchMechanism | undefined;
  debugRegisters: readonly DebugRegisterSlot[] = [];
  private entries: readonly Entry[] = [];
  private guestTrapFlag = false;
  private startPc = 0n;
  private startCs = 0;

  constructor(
    private readonly view: CpuView,
    private readonly capabilities: DebugCapabilities,
    context: PlanContext,
    private readonly patches: PlantedPatches,
    private readonly cache: HandlerCache,
  ) {
    this.mechanism = patchMechanism(capabilities, context);
  }

  /** Plants the traps and returns the debug registers that the run needs besides; the first `taken` are not to be had. */
  plant(taken = 0): readonly DebugRegisterSlot[] {
    this.startPc = this.view.pc;
    this.guestTrapFlag = (this.view.vcpu.regs.rflags & RFLAGS_TF) !== 0n;
    this.entries = [...this.handlers(), ...this.softwareInterrupt()];
    const { start, end } = this.tableSpan();
    this.startCs = this.view.vcpu.readSregs().cs.selector;
    const slots: DebugRegisterSlot[] = [];
    for (const { linear, physical } of this.entries) {
      if (linear === this.startPc) continue;
      const insideTable = linear >= start && linear < end;
      if (this.mechanism !== undefined && !insideTable) {
        this.patches.plant({ mechanism: this.mechanism, physical }, this);
      } else if (this.needsDebugRegisters && taken + slots.length < DEBUG_REGISTER_COUNT && inEveryMode(this.capabilities, 'debugExecute') &&
        !slots.some(({ address }) => address === linear)) {
        slots.push({ index: taken + slots.length, address: linear, type: 'execute', length: 1 });
      }
    }
    this.debugRegisters = slots;
    return slots;
  }

  /** A host whose steps end in the handler by themselves is spared them: there they slow every step down. */
  private get needsDebugRegisters(): boolean {
    return this.capabilities.faultStep === 'free';
  }

  lift(): void {
    this.patches.lift(this);
  }

  get debugRegisterMask(): number {
    return this.debugRegisters.reduce((mask, { index }) => mask | (1 << index), 0);
  }

  /** The patch that was reached at a linear address is one of these traps. At the pc of the step stands none: nothing was executed. */
  isEntered(linear: bigint): boolean {
    const entry = this.entries.find((candidate) => candidate.linear === linear);
    return entry !== undefined && linear !== this.startPc && this.patches.standsAt(entry.physical);
  }

  /** The handler's entry, when a step ended one byte behind it: the host executed our hlt before it reported the step. */
  enteredBehind(pc: bigint): bigint | undefined {
    return this.mechanism === 'hlt' && this.isEntered(pc - 1n) ? pc - 1n : undefined;
  }

  /** A handler was entered at the pc: takes our TF out of the flags that were pushed, unless the guest's own was set. */
  clearPushedTrapFlag(): void {
    const pc = this.view.pc;
    const entry = this.entries.find(({ linear }) => linear === pc);
    if (entry === undefined || this.guestTrapFlag) return;
    const slot = entry.frame.slotSize;
    const stack = linearSp(this.view.vcpu.readSregs(), this.view.vcpu.regs.rsp, this.view.mode);
    // Handlers often share one entry, so the vector does not tell whether an error code lies below IP: CS does.
    const atCs = this.view.memory.read(stack + BigInt(slot), 2);
    const hasErrorCode = atCs.length === 2 && (atCs[0]) + 256 * (atCs[1]) !== this.startCs;
    const address = stack + BigInt(slot * (hasErrorCode ? 3 : 2));
    const flags = this.view.memory.read(address, 2);
    if (flags.length < 2 || ((flags[1]) & 1) === 0) return;
    this.view.memory.write(address, Uint8Array.of(flags[0], (flags[1]) & ~1));
  }

  /** Entries of the exception handlers; read again only when the table changed. */
  private handlers(): readonly Entry[] {
    const sregs = this.view.vcpu.readSregs();
    const { mode } = this.view;
    const length = Math.min(EXCEPTION_VECTORS * this.entrySize, sregs.idt.limit + 1);
    const table = this.view.memory.read(sregs.idt.base, length);
    const now = { mode, idt: sregs.idt.base, cr3: sregs.cr3, gdt: sregs.gdt.base };
    const known = this.cache.known;
    if (known !== undefined && known.mode === now.mode && known.idt === now.idt && known.cr3 === now.cr3 &&
      known.gdt === now.gdt && Buffer.compare(known.table, table) === 0) return known.entries;
    const entries: Entry[] = [];
    for (let vector = 0; vector < EXCEPTION_VECTORS; vector++) {
      const entry = this.entryOf(vector, 'exception');
      if (entry !== undefined && !entries.some(({ linear }) => linear === entry.linear)) entries.push(entry);
    }
    this.cache.known = { ...now, table, entries };
    return entries;
  }

  /** Bytes of one interrupt vector or gate. */
  private get entrySize(): number {
    const { mode } = this.view;
    return mode.usesParagraphs && mode.name !== 'vm86' ? 4 : mode.isLong ? 16 : 8;
  }

  /** The linear bytes that 256 vectors take, as far as the limit goes. */
  private tableSpan(): { start: bigint; end: bigint } {
    const { base, limit } = this.view.vcpu.readSregs().idt;
    return { start: base, end: base + BigInt(Math.min(limit + 1, 256 * this.entrySize)) };
  }

  /** The handler of INT n, INT3 or INTO at the pc. */
  private softwareInterrupt(): readonly Entry[] {
    const code = this.view.memory.read(this.startPc, 2);
    const vector = code[0] === INT_N ? code[1] : code[0] === INT3 ? 3 : code[0] === INTO ? 4 : undefined;
    if (vector === undefined) return [];
    const entry = this.entryOf(vector, 'interrupt');
    return entry === undefined ? [] : [entry];
  }

  private entryOf(vector: number, source: 'exception' | 'interrupt'): Entry | undefined {
    const target = interruptTarget(vector, source, this.view.vcpu.readSregs(), this.view.mode, (address, length) => this.view.memory.read(address, length));
    if (!target.ok) return undefined;
    const physical = this.view.memory.physicalRam(target.address);
    return physical === undefined ? undefined : { linear: target.address, physical, frame: target.frame };
  }
}
