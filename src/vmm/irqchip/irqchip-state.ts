/** The state of the interrupt controllers and the timer in the kernel, in its own structures. */
export interface KernelIrqchipState {
  /** `struct kvm_irqchip` of master, slave and IOAPIC. */
  readonly chips: readonly Uint8Array[];
  /** `struct kvm_pit_state2`. */
  readonly pit: Uint8Array;
}
