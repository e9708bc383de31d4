/**
 * What stands in guest memory for one resume of all vCPUs: patches, and the bytes whose writes are watched. The pages of
 * both are write-protected, so a guest's write to them comes here: it is carried out as if no patch stood there, and the
 * watch that it touched is told. Each vCPU's job owns what it has put here.
 */
import { PlantedPatches, type PatchMemory } from './patches.js';

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

interface Owned<W> {
  readonly watched: WatchedBytes<W>[];
  readonly pages: Set<number>;
}

export class GuardedMemory<W> {
  readonly patches: PlantedPatches;
  private readonly owned = new Map<object, Owned<W>>();
  /** Those of all owners; undefined since one of them has changed. Every step reads it. */
  private pages: ReadonlySet<number> | undefined;

  constructor(memory: PatchMemory) {
    this.patches = new PlantedPatches(memory);
  }

  /** Watches bytes for writes, as far as their pages are protected. */
  watch(bytes: WatchedBytes<W>, owner: object): void {
    const { watched } = this.of(owner);
    if (!watched.some(({ watch, physical, linear }) => watch === bytes.watch && physical === bytes.physical && linear === bytes.linear)) watched.push(bytes);
  }

  /** Adds GPAs of pages that `protectedPages` names. */
  protect(pages: Iterable<number>, owner: object): void {
    const mine = this.of(owner).pages;
    for (const page of pages) mine.add(page);
    this.pages = undefined;
  }

  /** GPAs of the first bytes of the pages that must be write-protected before the guest runs. */
  get protectedPages(): ReadonlySet<number> {
    this.pages ??= new Set([...this.owned.values()].flatMap(({ pages }) => [...pages]));
    return this.pages;
  }

  /** Carries out a guest's write to a protected page. */
  write(gpa: number, bytes: Uint8Array): WatchHit<W> | undefined {
    this.patches.write(gpa, bytes);
    for (const { watched } of this.owned.values()) {
      for (const { watch, physical, linear, length } of watched) {
        if (gpa >= physical + length || physical >= gpa + bytes.length) continue;
        return { watch, address: linear + BigInt(Math.max(0, gpa - physical)) };
      }
    }
    return undefined;
  }

  /** An owner is about to plan anew, or has finished. */
  release(owner: object): void {
    this.patches.lift(owner);
    this.owned.delete(owner);
    this.pages = undefined;
  }

  /** The guest stands: no patch is left in memory and nothing is watched. Pages stay protected until the next resume. */
  lift(): void {
    this.patches.liftAll();
    this.owned.clear();
    this.pages = undefined;
  }

  private of(owner: object): Owned<W> {
    let owned = this.owned.get(owner);
    if (owned === undefined) this.owned.set(owner, owned = { watched: [], pages: new Set() });
    return owned;
  }
}
