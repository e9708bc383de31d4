/**
 * What stands in the machine for the breakpoints of one resume, for the jobs of all vCPUs together: patches, watched
 * bytes, and the write protection of their pages. An `owner` is the job (or the step) that it stands for.
 */
import type { Breakpoint } from '../breakpoints/breakpoint-set.js';
import { GuardedMemory, type WatchHit } from '../breakpoints/guarded-memory.js';
import type { PatchMechanism } from '../breakpoints/planner.js';
import { TargetError } from '../target.js';
import type { Machine } from '../vmm/machine.js';
import type { Vcpu } from '../vmm/vcpu.js';
import { pageOf } from '../vmm/write-protection.js';
import type { GeneralRegisters } from '../x86/cpu-state.js';
import { undoLocked, type LockedUndo } from '../x86/locked-undo.js';
import { pagesOf, toldByPages, type Planned } from './breakpoint-planning.js';
import type { CpuView } from './cpu-view.js';
import type { RunAgain, RunAlone } from './job.js';
import { WriteOrder } from './write-order.js';
import { UnsafePages, stackPage } from './unsafe-pages.js';

export class Planting {
  readonly guard: GuardedMemory<Breakpoint>;
  private readonly unsafe = new UnsafePages();
  /** By vCPU: what its last write touched, until it is taken. */
  private readonly hits = new Map<number, WatchHit<Breakpoint>>();
  /** By vCPU: its stack came to lie in a protected page. */
  private readonly strayed = new Set<number>();
  /** By vCPU: registers from before a locked instruction whose store came too late. */
  private readonly undone = new Map<number, Partial<GeneralRegisters>>();
  private readonly order = new WriteOrder();
  private unprotected = false;
  private patching = false;

  constructor(
    private readonly machine: Machine,
    private readonly views: readonly CpuView[],
    private readonly say: (text: string) => void,
  ) {
    this.guard = new GuardedMemory(machine.memory);
    machine.memory.overlay = this.guard.patches;
    machine.onProtectedWrite = (vcpu, gpa, bytes) => this.written(vcpu, gpa, bytes);
  }

  /** Pages that cannot be write-protected now. */
  unsafePages(watched: readonly bigint[]): ReadonlySet<number> {
    return this.unsafe.of(this.views, watched);
  }

  /** Adds the pages of a plan's patches to the protected ones where that is possible, so that none is overwritten. */
  guardPatches({ patches }: Planned, owner: object): void {
    if (patches.length === 0) return;
    const unsafe = this.unsafePages([]);
    this.guard.protect(patches.map(({ physical }) => pageOf(physical)).filter((page) => !unsafe.has(page)), owner);
  }

  /**
   * Leaves what is protected now as it is, but for pages that cannot be any more: a step needs no protection, and taking
   * it away and putting it back costs more than the step.
   */
  keepProtection(owner: object): void {
    const { pages } = this.machine.protection;
    if (pages.size === 0) return;
    const unsafe = this.unsafePages([]);
    this.guard.protect([...pages].filter((page) => !unsafe.has(page)), owner);
  }

  /** Watches a plan's bytes in pages that are protected, and protects those of its guards. */
  watch(plan: Planned, owner: object): void {
    for (const { pieces } of plan.guards) this.guard.protect(pagesOf(pieces), owner);
    for (const { breakpoint: { breakpoint }, pieces } of toldByPages(plan)) {
      for (const piece of pieces) this.guard.watch({ watch: breakpoint, ...piece }, owner);
    }
  }

  /** Protects what was planted. No vCPU may be running. Throws TargetError when KVM has not slots enough. */
  protect(): void {
    this.unprotected = false;
    try {
      this.machine.protection.set(this.guard.protectedPages);
    } catch (error) {
      throw new TargetError((error as Error).message);
    }
  }

  /** A job of this resume has breakpoints or steps: while another vCPU runs, a patch may be planted in its way. */
  expectPatches(): void {
    this.patching = true;
  }

  /** A vCPU may run into a patch that its own job has not planted. */
  get hasOthersPatches(): boolean {
    return this.patching && !this.hasOneVcpu;
  }

  /** The patch that stands at a linear address, whoever has planted it. */
  patchAt({ memory }: CpuView, linear: bigint): PatchMechanism | undefined {
    if (this.guard.patches.count === 0) return undefined;
    const gpa = memory.physical(linear);
    return gpa === undefined ? undefined : this.guard.patches.mechanismAt(gpa);
  }

  /** Whether a vCPU cannot execute its next instruction with what is planted: a patch stands there. */
  blocks(view: CpuView): boolean {
    return this.patchAt(view, view.pc) !== undefined;
  }

  /** Takes out what `blocks` a vCPU, until `restore`. The others must be parked, or they would run through it. */
  suspend(view: CpuView): void {
    const gpa = view.memory.physical(view.pc);
    if (gpa !== undefined) this.guard.patches.suspend(gpa);
  }

  /**
   * Lets the guest write everywhere until `restore`, for an instruction that KVM cannot tell the writes of. No other vCPU
   * may be running.
   */
  unprotect(): void {
    this.unprotected = true;
    this.machine.protection.set([]);
  }

  /** What was suspended stands again, what was unprotected is protected. */
  restore(): void {
    this.guard.patches.restore();
    if (this.unprotected) this.protect();
  }

  get protects(): boolean {
    return this.machine.protection.pages.size > 0;
  }

  get hasOneVcpu(): boolean {
    return this.views.length === 1;
  }

  /** The watch that this vCPU's last write touched. */
  takeHit(vcpu: Vcpu): WatchHit<Breakpoint> | undefined {
    const hit = this.hits.get(vcpu.id);
    this.hits.delete(vcpu.id);
    return hit;
  }

  /** A vCPU enters the guest. */
  enters(vcpu: Vcpu): void {
    if (this.views.length > 1) this.order.enters(vcpu.id);
  }

  /**
   * Puts a vCPU back before the locked instruction that its last write belonged to, if that write was not carried out: other
   * vCPUs had written the same bytes meanwhile. It must be executed again, with the others parked and no page protected.
   */
  undo(view: CpuView): boolean {
    const regs = this.undone.get(view.vcpu.id);
    if (regs === undefined) return false;
    this.undone.delete(view.vcpu.id);
    Object.assign(view.vcpu.regs, regs);
    view.invalidate();
    return true;
  }

  /** Whether this vCPU's stack has come to lie in a protected page since the plan was made. */
  takeStrayed(vcpu: Vcpu): boolean {
    return this.strayed.delete(vcpu.id);
  }

  /** What a job has planted is planned and planted anew by `begin`; slots are changed, so no other vCPU may be running. */
  replan(owner: object, begin: () => RunAgain | RunAlone): RunAlone {
    return {
      kind: 'alone',
      go: () => {
        this.guard.release(owner);
        const start = begin();
        this.protect();
        return start.kind === 'again' ? start : start.go();
      },
    };
  }

  /** The guest stands: its memory is as it made it. */
  lift(): void {
    this.guard.lift();
    this.patching = false;
    this.hits.clear();
    this.strayed.clear();
    this.undone.clear();
  }

  reset(): void {
    this.unsafe.clear();
  }

  private written(vcpu: Vcpu, gpa: number, bytes: Uint8Array): 'resume' | 'stop' {
    // Another piece of the same access.
    if (this.undone.has(vcpu.id)) return 'stop';
    if (this.views.length > 1 && this.order.overlaps(vcpu.id, gpa, bytes.length)) {
      const undo = this.undoOf(this.views[vcpu.id], gpa, bytes);
      if (undo?.kind === 'none') return 'resume';
      if (undo !== undefined) {
        this.undone.set(vcpu.id, undo.regs);
        return 'stop';
      }
    }
    this.order.wrote(gpa, bytes.length);
    const hit = this.guard.write(gpa, bytes);
    if (hit !== undefined && !this.hits.has(vcpu.id)) this.hits.set(vcpu.id, hit);
    return this.isStack(vcpu, gpa) || hit !== undefined ? 'stop' : 'resume';
  }

  /** LOCK is not atomic on a protected page, for KVM's emulator has read before it tells the write. */
  private undoOf(view: CpuView, gpa: number, bytes: Uint8Array): LockedUndo | undefined {
    view.invalidate();
    const { vcpu, mode, memory, pc } = view;
    const codeBefore = (length: number): Uint8Array => memory.peek(pc - BigInt(length), length);
    return undoLocked(codeBefore, { regs: vcpu.regs, sregs: vcpu.readSregs(), mode }, {
      value: bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n),
      size: bytes.length,
      isAt: (linear) => memory.physical(linear) === gpa,
    });
  }

  /** Only the last value of an instruction that pushes several would come here: from now on the page is not protected. */
  private isStack(vcpu: Vcpu, gpa: number): boolean {
    const view = this.views[vcpu.id];
    view.invalidate();
    if (stackPage(view) !== pageOf(gpa)) return false;
    this.unsafe.add(pageOf(gpa));
    this.strayed.add(vcpu.id);
    this.say(`The guest's stack has moved into the page at guest-physical 0x${pageOf(gpa).toString(16)}, which was write-protected: ` +
      'watchpoints there are found by stepping from here on. If the last instruction pushed several values, only the last of them arrived.\n');
    return true;
  }
}
