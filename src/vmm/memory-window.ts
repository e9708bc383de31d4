/** A part of a device's memory that the guest sees: now here, now there, now not at all. */
import type { MemoryChunk } from './memory-layout.js';

/** How a window comes to stand in the guest's memory. */
export interface WindowSlots {
  /** Makes the device's memory from `offset` on appear at a GPA. Throws RangeError where other memory is, or off the pages. */
  map(start: number, offset: number): MemoryChunk;
  unmap(chunk: MemoryChunk): void;
}

export class MemoryWindow {
  #chunk: MemoryChunk | undefined;

  constructor(private readonly slots: WindowSlots) {}

  /** GPA of its first byte; undefined while it is hidden. */
  get start(): number | undefined {
    return this.#chunk?.start;
  }

  /** Where in the device's memory it begins, while it is shown. */
  get offset(): number | undefined {
    return this.#chunk?.bytes.byteOffset;
  }

  /** Shows the device's memory from `offset` on at the GPA `start`. vCPUs may be running. Throws RangeError and is hidden then. */
  show(start: number, offset: number): void {
    if (this.#chunk?.start === start && this.#chunk.bytes.byteOffset === offset) return;
    this.hide();
    this.#chunk = this.slots.map(start, offset);
  }

  hide(): void {
    if (this.#chunk === undefined) return;
    this.slots.unmap(this.#chunk);
    this.#chunk = undefined;
  }
}
