/** The catchpoints as the jobs of one vCPU meet them: what must be planted, what an exit or a step means for them. */
import type { Breakpoint } from '../../breakpoints/breakpoint-set.js';
import type { Exit } from '../../vmm/exit.js';
import type { Machine } from '../../vmm/machine.js';
import { isWritable } from '../../vmm/memory-layout.js';
import { describeVector } from '../../x86/exceptions.js';
import { interruptTarget } from '../../x86/interrupt-target.js';
import type { CpuView } from '../cpu-view.js';
import type { Caught } from '../job.js';
import { accessText } from './access-text.js';
import type { Catchpoint, CatchpointSet, CatchWhat } from './catchpoint-set.js';
import { exceptionAt } from './exception-arrival.js';
import { ExceptionEntries } from './exception-entries.js';
import { haltSentence, SteppedCatch } from './stepped-catch.js';

const DOUBLE_FAULT = 8;
const GENERAL_PROTECTION = 13;
/** HLT has one byte. */
const HLT_LENGTH = 1n;

export class CpuCatching {
  private readonly exceptions: ExceptionEntries;
  private readonly stepped: SteppedCatch;
  private access: string | undefined;
  /** What asked for the stop that is about to be told. */
  private caught: Catchpoint | undefined;
  /** Linear pc of the stop that the client was told of last, until the vCPU runs. */
  private toldAt: bigint | undefined;

  constructor(private readonly view: CpuView, private readonly machine: Machine, private readonly catchpoints: CatchpointSet) {
    this.exceptions = new ExceptionEntries(view, catchpoints);
    this.stepped = new SteppedCatch(view, catchpoints);
  }

  /** Handlers' entries, to be planned together with the client's breakpoints. */
  get entries(): readonly Breakpoint[] {
    return this.exceptions.entries;
  }

  /** Entries in the interrupt table itself, which must not be patched. */
  get unpatchable(): ReadonlySet<Breakpoint> {
    return this.exceptions.inTable;
  }

  /** The guest has changed its interrupt table: `entries` must be planned anew. */
  get entriesChanged(): boolean {
    return this.exceptions.haveChanged;
  }

  /** Something is caught by stepping only. */
  get needsSteps(): boolean {
    const { catchpoints } = this;
    return catchpoints.has('cpuid') || catchpoints.has('mode-switch') || (catchpoints.has('hlt') && !this.haltLeavesKvm);
  }

  /** Something is caught by looking at a step. */
  get looksAtSteps(): boolean {
    return this.catchpoints.all.length > 0 && (this.needsSteps || this.catchpoints.has('hlt'));
  }

  /** A stop of this vCPU, or what it caught while another one's stop was reported, was told to the client. */
  told(): void {
    this.toldAt = this.view.pc;
    if (this.caught !== undefined) this.caught.hits++;
    this.caught = undefined;
  }

  /** The vCPU runs again: whether it stands at an entry that the client has seen it stop at. */
  leavesEntry(): boolean {
    const at = this.toldAt;
    this.toldAt = undefined;
    this.caught = undefined;
    return at === this.view.pc && this.exceptions.startsAt(at);
  }

  /** The vCPU has come to the pc: the sentence, if a caught exception brought it there. */
  arrived(): string | undefined {
    if (!this.catchpoints.has('exception') || !this.exceptions.startsAt(this.view.pc)) return undefined;
    const arrival = exceptionAt(this.view);
    if (arrival === undefined) return undefined;
    const wanted = (what: CatchWhat): boolean =>
      what.kind === 'exception' && (what.vector === undefined || arrival.vectors.includes(what.vector));
    return this.catches(wanted) ? arrival.sentence : undefined;
  }

  beforeStep(): void {
    if (this.looksAtSteps) this.stepped.before();
  }

  /** The step that `beforeStep` announced, if it is to be caught. */
  afterStep(): Caught | undefined {
    const happened = this.looksAtSteps ? this.stepped.after() : undefined;
    return happened !== undefined && this.catches(({ kind }) => kind === happened.kind) ? this.kept(happened.sentence) : undefined;
  }

  /** The vCPU left KVM by a HLT of its own, and its pc is behind it. */
  halted(): Caught | undefined {
    if (!this.catches(({ kind }) => kind === 'hlt')) return undefined;
    const { pc, mode } = this.view;
    return this.kept(haltSentence(this.view, `0x${(pc - HLT_LENGTH).toString(16)} (${mode.name})`));
  }

  /** A device or MSR access was served and is about to be completed. True: it is caught, `takeAccess` tells. */
  isCaught(exit: Exit): boolean {
    if (this.catchpoints.all.length === 0) return false;
    if (!this.catches((what) => matches(what, exit) && !this.isRam(exit))) return false;
    this.access = accessText(exit, this.machine);
    return this.access !== undefined;
  }

  /** The access that was caught; it is complete now. */
  takeAccess(): Caught | undefined {
    const { access } = this;
    this.access = undefined;
    return access === undefined ? undefined : this.kept(`cpu${this.view.vcpu.id} ${access}; the next instruction is at ${this.view.where}.`);
  }

  /** The sentence behind that of the fault, if triple faults are caught. */
  tripleFault(): string | undefined {
    if (!this.catches(({ kind }) => kind === 'triple-fault')) return undefined;
    const reasons = [GENERAL_PROTECTION, DOUBLE_FAULT].map((vector) => {
      const target = interruptTarget(vector, 'exception', this.view.vcpu.readSregs(), this.view.mode, (address, length) => this.view.memory.read(address, length));
      return target.ok ? `${describeVector(vector)} has its handler at 0x${target.address.toString(16)}` : target.reason;
    });
    return `${reasons.join('; ')}.`;
  }

  /** What will not happen again: told later, if another stop is told first, unless its catchpoint is removed meanwhile. */
  private kept(sentence: string): Caught {
    const { caught } = this;
    return { sentence, keep: () => caught !== undefined && this.catchpoints.all.includes(caught) };
  }

  private catches(wanted: (what: CatchWhat) => boolean): boolean {
    this.caught = this.catchpoints.find(wanted);
    return this.caught !== undefined;
  }

  private get haltLeavesKvm(): boolean {
    return !this.machine.localApic;
  }

  /** A write to a protected page of RAM comes as an MMIO exit too. */
  private isRam(exit: Exit): boolean {
    return exit.reason === 'mmio' && isWritable(this.machine.memory.chunkAt(exit.address));
  }
}

function matches(what: CatchWhat, exit: Exit): boolean {
  switch (exit.reason) {
    case 'io':
      return what.kind === 'io' && exit.port <= what.last && exit.port + exit.size > what.first;
    case 'mmio':
      return what.kind === 'mmio' && exit.address < what.end && exit.address + BigInt(exit.data.length) > what.start;
    case 'rdmsr':
    case 'wrmsr':
      return what.kind === 'msr' && what.index === exit.index;
    default:
      return false;
  }
}
