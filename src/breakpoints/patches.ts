/**
 * Puts the planned patches into guest memory and takes them out again. Planted only while the guest runs: at a stop
 * its memory is pristine (docs/decisions/0001-plant-at-resume.md).
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

/** The patches that stand in guest memory right now, by guest-physical address. */
export class PlantedPatches {
  private readonly originals = new Map<number, { original: number; patch: number }>();

  constructor(private readonly memory: PatchMemory) {}

  get count(): number {
    return this.originals.size;
  }

  /** Plants one; a second at the same byte changes nothing. Outside RAM nothing is planted, and false comes back. */
  plant(patch: Patch): boolean {
    if (this.originals.has(patch.physical)) return true;
    const original = this.memory.readByte(patch.physical);
    if (original === undefined) return false;
    const byte = PATCH_BYTES[patch.mechanism];
    this.memory.writeByte(patch.physical, byte);
    this.originals.set(patch.physical, { original, patch: byte });
    return true;
  }

  /** True when our patch stands at this GPA, and the guest has not written over it. */
  standsAt(gpa: number): boolean {
    const planted = this.originals.get(gpa);
    return planted !== undefined && this.memory.readByte(gpa) === planted.patch;
  }

  /** Puts what the guest knows into bytes that were read from a GPA while patches stood. */
  hide(gpa: number, bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.originals.get(gpa + i)?.original ?? bytes[i];
  }

  /** A write of the guest's, as if no patch stood there: under a patch the byte becomes the one that is restored. */
  write(gpa: number, bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) {
      const planted = this.originals.get(gpa + i);
      if (planted === undefined) this.memory.writeByte(gpa + i, bytes[i]);
      else planted.original = bytes[i];
    }
  }

  /** Restores every byte. Where the guest wrote over a patch, its byte stays. */
  liftAll(): void {
    for (const [gpa, { original, patch }] of this.originals) {
      if (this.memory.readByte(gpa) === patch) this.memory.writeByte(gpa, original);
    }
    this.originals.clear();
  }
}
