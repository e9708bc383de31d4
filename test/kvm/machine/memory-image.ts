/** A disk in memory. */
import type { BlockImage } from '../../../src/vmm/storage/block-image.js';

/** What the guest writes lands in `bytes`. */
export function memoryImage(bytes: Uint8Array, readOnly = false): BlockImage {
  return {
    name: 'test', size: bytes.length, readOnly,
    read: (offset, target) => { target.set(bytes.subarray(offset, offset + target.length)); },
    write: (offset, written) => { bytes.set(written, offset); },
    flush: () => undefined, save: () => ({}), restore: () => undefined, close: () => undefined,
  };
}
