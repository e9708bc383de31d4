/**
 * Puts the planned patches into guest memory and takes them out again. Planted only while the guest runs: at a stop
 * its memory is pristine (docs/decisions/0001-plant-at-resume.md).
 *
 * Several vCPUs may want the same byte patched, so each patch has its owners and stands for as long as it has any.
 */
import { PATCH_BYTES, type PatchMechanism } from './planner.js';

/** Guest-physical bytes, as far as patches need them. */
export interface PatchMemory {
  /** The byte at a GPA, undefined outside RAM. */
  readByte(gpa: number): number | undefined;
  /** Only called where `readByte` found a byte. */
  writeByte(gpa: number, value: number): unknown;
}

export interface Patch {
  readonly mechanism: PatchMechanism;
  readonly physical: number;
}

interface Planted {
  readonly mechanism: PatchMechanism;
  original: number;
  readonly patch: number;
  /** Few: a job for each vCPU. */
  readonly owners: object[];
  /** Taken out for a moment. */
  suspended: boolean;
}

/** The patches that stand in guest memory right now, by guest-physical address. */
export class PlantedPatches {
  /** Made anew rather than emptied: V8 chains the tables of a map that lives on, and a step's outlive it by megabytes. */
  private planted = new Map<number, Planted>();
  private suspended = false;

  constructor(private readonly memory: PatchMemory) {}

  get count(): number {
    return this.planted.size;
  }

  /**
   * Plants one for an owner; where the guest has written over one that is there, it is planted again. Outside RAM nothing
   * is planted, and false comes back.
   */
  plant({ mechanism, physical }: Patch, owner: object): boolean {
    const now = this.memory.readByte(physical);
    if (now === undefined) return false;
    const patch = PATCH_BYTES[mechanism];
    const known = this.planted.get(physical);
    if (known === undefined) {
      this.planted.set(physical, { mechanism, original: now, patch, owners: [owner], suspended: false });
    } else {
      if (!known.owners.includes(owner)) known.owners.push(owner);
      if (known.suspended || now === known.patch) return true;
      known.original = now;
    }
    this.memory.writeByte(physical, patch);
    return true;
  }

  /** True when our patch stands at this GPA, and the guest has not written over it. */
  standsAt(gpa: number): boolean {
    return this.mechanismAt(gpa) !== undefined;
  }

  /** What stands at this GPA, as `standsAt`. */
  mechanismAt(gpa: number): PatchMechanism | undefined {
    const planted = this.planted.get(gpa);
    return planted?.suspended === false && this.memory.readByte(gpa) === planted.patch ? planted.mechanism : undefined;
  }

  /** Puts what the guest knows into bytes that were read from a GPA while patches stood; one that it wrote over is its own. */
  hide(gpa: number, bytes: Uint8Array): void {
    this.forEachIn(gpa, bytes, (planted, i) => {
      if (bytes[i] === planted.patch) bytes[i] = planted.original;
    });
  }

  /**
   * For bytes that are written at a GPA as if no patch stood there: under a patch the byte becomes the one that is restored.
   * What is to be written, with the patches in it.
   */
  covering(gpa: number, bytes: Uint8Array): Uint8Array {
    let covered = bytes;
    this.forEachIn(gpa, bytes, (planted, i) => {
      planted.original = bytes[i];
      if (covered === bytes) covered = Uint8Array.from(bytes);
      covered[i] = planted.patch;
    });
    return covered;
  }

  /** A write of the guest's, as if no patch stood there. */
  write(gpa: number, bytes: Uint8Array): void {
    this.covering(gpa, bytes).forEach((byte, i) => this.memory.writeByte(gpa + i, byte));
  }

  private forEachIn(gpa: number, { length }: Uint8Array, each: (planted: Planted, index: number) => void): void {
    this.planted.forEach((planted, at) => {
      if (!planted.suspended && at >= gpa && at < gpa + length) each(planted, at - gpa);
    });
  }

  /** Takes the patch at a GPA out until `restore`, so that the instruction there can be executed. */
  suspend(gpa: number): void {
    const planted = this.planted.get(gpa);
    if (planted === undefined || planted.suspended) return;
    this.takeOut(gpa, planted);
    planted.suspended = this.suspended = true;
  }

  /** Plants what was suspended again, over whatever the guest has put there. */
  restore(): void {
    if (!this.suspended) return;
    this.suspended = false;
    for (const [gpa, planted] of this.planted) {
      if (!planted.suspended) continue;
      planted.suspended = false;
      planted.original = this.memory.readByte(gpa) ?? planted.original;
      this.memory.writeByte(gpa, planted.patch);
    }
  }

  /** An owner needs its patches no more; those of nobody else are taken out. */
  lift(owner: object): void {
    if (this.planted.size === 0) return;
    const kept = new Map<number, Planted>();
    this.planted.forEach((planted, gpa) => {
      const { owners } = planted;
      const at = owners.indexOf(owner);
      if (at >= 0 && owners.length === 1) return this.takeOut(gpa, planted);
      if (at >= 0) owners.splice(at, 1);
      kept.set(gpa, planted);
    });
    this.planted = kept;
  }

  /** Restores every byte. Where the guest wrote over a patch, its byte stays. */
  liftAll(): void {
    if (this.planted.size === 0) return;
    for (const [gpa, planted] of this.planted) this.takeOut(gpa, planted);
    this.planted = new Map();
  }

  private takeOut(gpa: number, { original, patch, suspended }: Planted): void {
    if (!suspended && this.memory.readByte(gpa) === patch) this.memory.writeByte(gpa, original);
  }
}
