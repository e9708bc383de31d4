/**
 * What stands in the machine for the breakpoints of one resume, for the jobs of all vCPUs together: patches, watched
 * bytes, and the write protection of their pages.
 */
import type { Breakpoint } from '../breakpoints/breakpoint-set.js';
import { GuardedMemory, type WatchHit } from '../breakpoints/guarded-memory.js';
import { TargetError } from '../target.js';
import type { Machine } from '../vmm/machine.js';
import type { Vcpu } from '../vmm/vcpu.js';
import { pageOf } from '../vmm/write-protection.js';
import { pagesOf, type Planned } from './breakpoint-planning.js';
import type { CpuView } from './cpu-view.js';
import { UnsafePages, stackPage } from './unsafe-pages.js';

export class Planting {
  readonly guard: GuardedMemory<Breakpoint>;
  private readonly unsafe = new UnsafePages();
  /** By vCPU: what its last write touched, until it is taken. */
  private readonly hits = new Map<number, WatchHit<Breakpoint>>();
  /** By vCPU: its stack came to lie in a protected page. */
  private readonly strayed = new Set<number>();

  constructor(
    private readonly machine: Machine,
    private readonly views: readonly CpuView[],
    private readonly say: (text: string) => void,
  ) {
    this.guard = new GuardedMemory(machine.memory);
    machine.onProtectedWrite = (vcpu, gpa, bytes) => this.written(vcpu, gpa, bytes);
  }

  /** Pages that cannot be write-protected now. */
  unsafePages(watched: readonly bigint[]): ReadonlySet<number> {
    return this.unsafe.of(this.views, watched);
  }

  /** Adds the pages of a plan's patches to the protected ones where that is possible, so that none is overwritten. */
  guardPatches({ patches }: Planned): void {
    if (patches.length === 0) return;
    const unsafe = this.unsafePages([]);
    this.guard.protect(patches.map(({ physical }) => pageOf(physical)).filter((page) => !unsafe.has(page)));
  }

  /** Linear memory as the guest knows it, while patches stand; short where the readable bytes end. */
  readonly read = ({ memory }: CpuView, address: bigint, length: number): Uint8Array => {
    const bytes = memory.read(address, length);
    const { patches } = this.guard;
    if (patches.count === 0) return bytes;
    for (const { linear, physical, length: size } of memory.ramPieces(address, bytes.length) ?? []) {
      const offset = Number(linear - address);
      patches.hide(physical, bytes.subarray(offset, offset + size));
    }
    return bytes;
  };

  /** Watches a plan's guarded bytes. */
  watch({ guards }: Planned): void {
    for (const { breakpoint: { breakpoint }, pieces } of guards) {
      this.guard.protect(pagesOf(pieces));
      for (const piece of pieces) this.guard.watch({ watch: breakpoint, ...piece });
    }
  }

  /** Protects what was planted. No vCPU may be running. Throws TargetError when KVM has not slots enough. */
  protect(): void {
    try {
      this.machine.protection.set(this.guard.protectedPages);
    } catch (error) {
      throw new TargetError((error as Error).message);
    }
  }

  /** Lets the guest write everywhere, for the step of an instruction that KVM cannot tell the writes of. */
  unprotect(): void {
    this.machine.protection.set([]);
  }

  /** While another vCPU runs no slot can be changed. */
  get canUnprotect(): boolean {
    return this.machine.protection.pages.size > 0 && this.hasOneVcpu;
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

  /** Whether this vCPU's stack has come to lie in a protected page since the plan was made. */
  takeStrayed(vcpu: Vcpu): boolean {
    return this.strayed.delete(vcpu.id);
  }

  /** The guest stands: its memory is as it made it. */
  lift(): void {
    this.guard.lift();
    this.hits.clear();
    this.strayed.clear();
  }

  reset(): void {
    this.unsafe.clear();
  }

  private written(vcpu: Vcpu, gpa: number, bytes: Uint8Array): 'resume' | 'stop' {
    const hit = this.guard.write(gpa, bytes);
    if (hit !== undefined && !this.hits.has(vcpu.id)) this.hits.set(vcpu.id, hit);
    return this.isStack(vcpu, gpa) || hit !== undefined ? 'stop' : 'resume';
  }

  /** Only the last value of an instruction that pushes several would come here: from now on the page is not protected. */
  private isStack(vcpu: Vcpu, gpa: number): boolean {
    const view = this.views[vcpu.id];
    view.invalidate();
    if (stackPage(view) !== pageOf(gpa)) return false;
    // While another vCPU runs no slot can be changed.
    if (this.views.length > 1) return false;
    this.unsafe.add(pageOf(gpa));
    this.strayed.add(vcpu.id);
    this.say(`The guest's stack has moved into the page at guest-physical 0x${pageOf(gpa).toString(16)}, which was write-protected: ` +
      'watchpoints there are found by stepping from here on. If the last instruction pushed several values, only the last of them arrived.\n');
    return true;
  }
}
