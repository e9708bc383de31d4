/**
 * What stands in guest memory for one resume of all vCPUs: patches, and the bytes whose writes are watched. The pages of
 * both are write-protected, so a guest's write to them comes here: it is carried out as if no patch stood there, and the
 * watch that it touched is told.
 */
import { PlantedPatches, type Patch, type PatchMemory } from './patches.js';

/** A run of watched bytes; `linear` is where the client sees the first of them. */
export interface WatchedBytes<W> {
  readonly watch: W;
  /** GPA of the first byte. */
  readonly physical: number;
  readonly linear: bigint;
  /** In bytes. */
  readonly length: number;
}

/** A guest's write that touched watched bytes. */
export interface WatchHit<W> {
  readonly watch: W;
  /** Linear address of the first watched byte that was written. */
  readonly address: bigint;
}

export class GuardedMemory<W> {
  readonly patches: PlantedPatches;
  private watched: WatchedBytes<W>[] = [];
  private readonly pages = new Set<number>();

  constructor(memory: PatchMemory) {
    this.patches = new PlantedPatches(memory);
  }

  plant(patch: Patch): void {
    this.patches.plant(patch);
  }

  /** Watches bytes for writes; their pages must be protected too. */
  watch(bytes: WatchedBytes<W>): void {
    if (this.watched.some(({ watch, physical, linear }) => watch === bytes.watch && physical === bytes.physical && linear === bytes.linear)) return;
    this.watched.push(bytes);
  }

  /** Adds GPAs of pages that `protectedPages` names. */
  protect(pages: Iterable<number>): void {
    for (const page of pages) this.pages.add(page);
  }

  /** GPAs of the first bytes of the pages that must be write-protected before the guest runs. */
  get protectedPages(): ReadonlySet<number> {
    return this.pages;
  }

  /** Carries out a guest's write to a protected page. */
  write(gpa: number, bytes: Uint8Array): WatchHit<W> | undefined {
    this.patches.write(gpa, bytes);
    for (const { watch, physical, linear, length } of this.watched) {
      if (gpa >= physical + length || physical >= gpa + bytes.length) continue;
      return { watch, address: linear + BigInt(Math.max(0, gpa - physical)) };
    }
    return undefined;
  }

  /** The guest stands: no patch is left in memory and nothing is watched. Pages stay protected until the next resume. */
  lift(): void {
    this.patches.liftAll();
    this.watched = [];
    this.pages.clear();
  }
}
