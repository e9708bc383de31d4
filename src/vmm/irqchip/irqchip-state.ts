/** What interrupt controllers and timer hold, for a snapshot of the same machine. */
import type { DeviceState } from '../device.js';

export type IrqchipState = KernelIrqchipState | SplitIrqchipState;

/** The chips in the kernel, in its own structures. */
export interface KernelIrqchipState {
  /** `struct kvm_irqchip` of master, slave and IOAPIC. */
  readonly chips: readonly Uint8Array[];
  /** `struct kvm_pit_state2`. */
  readonly pit: Uint8Array;
}

/** The chips of this program. */
export interface SplitIrqchipState {
  /** Slave, master, IOAPIC and PIT. */
  readonly devices: readonly DeviceState[];
  /** The 8259s' vector that KVM has been given and the guest has not got yet. */
  readonly vector: number | undefined;
}
