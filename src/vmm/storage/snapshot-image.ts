/**
 * An image that is never changed: what the guest writes is kept beside it, in clusters of 4 KiB in a temporary file
 * without a name, and is gone with the process. Clusters are put there in the order in which they are first written, so
 * the file is as large as what was written, wherever on the disk that is.
 *
 * `save` is cheap: it freezes the clusters written so far, and a later write to one of them goes to a new place.
 */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeviceState } from '../device.js';
import { checkRange, imageFailures, type BlockImage, type ImageError, type ImageLog } from './block-image.js';

/** Bytes: a page, the smallest thing guests' file systems write. */
const CLUSTER = 4096;

export class SnapshotImage implements BlockImage {
  readonly readOnly = false;
  readonly #base: BlockImage;
  readonly #fail: (sentence: string) => ImageError;
  /** Slot in the temporary file by cluster number; a cluster that is not here is the base's. */
  #slots = new Map<number, number>();
  #nextSlot = 0;
  /** Slots below this belong to a saved state too. */
  #frozenSlots = 0;
  #descriptor: number | undefined;

  /** Takes `base` over: closing this closes it. */
  constructor(base: BlockImage, log: ImageLog = () => undefined) {
    this.#base = base;
    this.#fail = imageFailures(log);
  }

  get name(): string { return this.#base.name; }
  get size(): number { return this.#base.size; }

  /** Bytes the guest's writes take in the temporary file. */
  get overlayBytes(): number { return this.#nextSlot * CLUSTER; }

  read(offset: number, target: Uint8Array): void {
    checkRange(this, offset, target.length);
    const end = offset + target.length;
    for (let at = offset; at < end;) {
      const slot = this.#slots.get(Math.floor(at / CLUSTER));
      let next = clusterEnd(at, end);
      if (slot === undefined) {
        while (next < end && !this.#slots.has(next / CLUSTER)) next = clusterEnd(next, end);
        this.#base.read(at, target.subarray(at - offset, next - offset));
      } else {
        this.#readOverlay(slot * CLUSTER + (at % CLUSTER), target.subarray(at - offset, next - offset));
      }
      at = next;
    }
  }

  write(offset: number, bytes: Uint8Array): void {
    checkRange(this, offset, bytes.length);
    const end = offset + bytes.length;
    for (let at = offset; at < end;) {
      const next = clusterEnd(at, end);
      this.#writeCluster(at, bytes.subarray(at - offset, next - offset));
      at = next;
    }
  }

  /** There is nothing to be kept. */
  flush(): void {}

  save(): DeviceState {
    this.#frozenSlots = this.#nextSlot;
    return { slots: [...this.#slots].flat() };
  }

  restore(state: DeviceState): void {
    const slots = state['slots'] as readonly number[];
    this.#slots = new Map();
    for (let i = 0; i < slots.length; i += 2) this.#slots.set(slots[i], slots[i + 1]);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
    this.#slots.clear();
    this.#base.close();
  }

  /** `bytes` lie within one cluster. */
  #writeCluster(offset: number, bytes: Uint8Array): void {
    const cluster = Math.floor(offset / CLUSTER);
    const within = offset % CLUSTER;
    const slot = this.#slots.get(cluster);
    if (slot !== undefined && slot >= this.#frozenSlots) {
      this.#writeOverlay(slot * CLUSTER + within, bytes);
      return;
    }
    const start = cluster * CLUSTER;
    const whole = new Uint8Array(CLUSTER);
    if (bytes.length < CLUSTER) this.read(start, whole.subarray(0, Math.min(CLUSTER, this.size - start)));
    whole.set(bytes, within);
    this.#writeOverlay(this.#nextSlot * CLUSTER, whole);
    this.#slots.set(cluster, this.#nextSlot++);
  }

  #readOverlay(position: number, target: Uint8Array): void {
    this.#attempt('read', () => {
      for (let done = 0; done < target.length;) {
        const count = readSync(this.#overlay(), target, done, target.length - done, position + done);
        if (count === 0) throw new Error(`it ends at byte ${position + done}`);
        done += count;
      }
    });
  }

  #writeOverlay(position: number, bytes: Uint8Array): void {
    this.#attempt('written', () => {
      for (let done = 0; done < bytes.length;) {
        done += writeSync(this.#overlay(), bytes, done, bytes.length - done, position + done);
      }
    });
  }

  /** The temporary file, made at the first write; its name is removed at once, so nothing is left whatever happens. */
  #overlay(): number {
    if (this.#descriptor === undefined) {
      const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-disk-'));
      try {
        this.#descriptor = openSync(join(folder, 'overlay'), 'wx+', 0o600);
      } finally {
        rmSync(folder, { recursive: true });
      }
    }
    return this.#descriptor;
  }

  #attempt(what: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      throw this.#fail(`The temporary file with the guest's writes to ${this.name} (in ${tmpdir()}) cannot be ${what}: ${(error as Error).message}.`);
    }
  }
}

/** The end of the cluster that `at` is in, at most `end`. */
function clusterEnd(at: number, end: number): number {
  return Math.min(end, (Math.floor(at / CLUSTER) + 1) * CLUSTER);
}
