/** Guest memory without KVM: plain array buffers and a list of slots. */
import type { MemoryAllocator, MemorySlots } from '../../../src/vmm/guest-memory.js';
import type { NativeMemory } from '../../../src/vmm/native.js';

export interface FakeSlot {
  readonly slot: number;
  readonly flags: number;
  readonly address: bigint;
  readonly size: number;
}

/** A host whose VM only remembers its slots; `open` counts mappings that were not closed. */
export function fakeHost(): { allocator: MemoryAllocator; vm: MemorySlots; slots: FakeSlot[]; open: () => number } {
  const slots: FakeSlot[] = [];
  let open = 0;
  const allocator: MemoryAllocator = {
    constants: { KVM_MEM_READONLY: 2 },
    allocateMemory(size: number): NativeMemory {
      open++;
      const buffer = new ArrayBuffer(size);
      return {
        size, buffer,
        hostAddress: 0n,
        resident: () => size,
        discard: () => new Uint8Array(buffer).fill(0),
        close: () => { open--; },
      };
    },
  };
  const vm: MemorySlots = {
    setMemorySlot: (slot, flags, address, _memory, _offset, size) => { slots.push({ slot, flags, address, size }); },
    removeMemorySlot: (slot) => { slots.splice(slots.findIndex((known) => known.slot === slot), 1); },
  };
  return { allocator, vm, slots, open: () => open };
}
