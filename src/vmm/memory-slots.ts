/**
 * The memory slots of a VM, and which pages the guest has written to through them: KVM's dirty log (api.rst,
 * KVM_MEM_LOG_DIRTY_PAGES, KVM_GET_DIRTY_LOG). A log goes with its slot, so it is read before a slot is changed or removed.
 */
import { native, type NativeMemory, type NativeVm } from './native.js';

/** Told which pages of a memory were written: one bit per page from byte `offset` of the memory on. */
export type DirtyListener = (memory: NativeMemory, offset: number, bits: Uint8Array) => void;

type Slots = Pick<NativeVm, 'setMemorySlot' | 'removeMemorySlot' | 'getDirtyLog'>;

interface Slot {
  readonly flags: number;
  readonly address: bigint;
  readonly memory: NativeMemory;
  readonly offset: number;
  readonly size: number;
}

export class MemorySlots {
  readonly #vm: Slots;
  readonly #slots = new Map<number, Slot>();
  readonly #readOnly: number;
  readonly #logged: number;
  #listener: DirtyListener | undefined;

  constructor(vm: Slots) {
    const { constants } = native();
    this.#vm = vm;
    this.#readOnly = constants['KVM_MEM_READONLY'];
    this.#logged = constants['KVM_MEM_LOG_DIRTY_PAGES'];
  }

  /** As NativeVm.setMemorySlot. */
  setMemorySlot(slot: number, flags: number, address: bigint, memory: NativeMemory, offset: number, size: number): void {
    this.#collect(slot);
    this.#set(slot, { flags, address, memory, offset, size });
  }

  /** As NativeVm.removeMemorySlot. */
  removeMemorySlot(slot: number): void {
    this.#collect(slot);
    this.#vm.removeMemorySlot(slot);
    this.#slots.delete(slot);
  }

  /** From now on KVM logs what the guest writes; `collect` tells `listener`. Throws NativeError, and then nothing is logged. */
  startLogging(listener: DirtyListener): void {
    this.#listener = listener;
    try {
      for (const [number, slot] of this.#slots) this.#set(number, slot);
    } catch (error) {
      this.#listener = undefined;
      throw error;
    }
  }

  /** Tells what was written since the last time. */
  collect(): void {
    for (const number of this.#slots.keys()) this.#collect(number);
  }

  /**
   * Whatever KVM has derived from guest memory (shadow page tables) is made anew: that of all slots goes with any of them (KVM api.rst,
   * KVM_X86_QUIRK_SLOT_ZAP_ALL), so the smallest is taken away and added again. No vCPU may be running.
   */
  renew(): void {
    const smallest = [...this.#slots].sort(([, a], [, b]) => a.size - b.size).at(0);
    if (smallest === undefined) return;
    const [number, slot] = smallest;
    this.#collect(number);
    this.#vm.removeMemorySlot(number);
    this.#set(number, slot);
  }

  #set(number: number, slot: Slot): void {
    const { flags, address, memory, offset, size } = slot;
    this.#vm.setMemorySlot(number, this.#isLogged(slot) ? flags | this.#logged : flags, address, memory, offset, size);
    this.#slots.set(number, slot);
  }

  /** The guest cannot write to a read-only slot. */
  #isLogged({ flags }: Slot): boolean {
    return this.#listener !== undefined && (flags & this.#readOnly) === 0;
  }

  #collect(number: number): void {
    const slot = this.#slots.get(number);
    if (slot !== undefined && this.#isLogged(slot)) this.#listener?.(slot.memory, slot.offset, this.#vm.getDirtyLog(number));
  }
}
