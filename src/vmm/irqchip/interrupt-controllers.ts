/** The interrupt controllers and the timer of a PC, wherever they are: in the kernel, or here with the local APICs in the kernel. */
import type { Vcpu } from '../vcpu.js';
import type { IoapicState, PicState, PitChannel } from './chip-state.js';
import type { IrqchipState } from './irqchip-state.js';

export type IrqchipKind = 'kernel' | 'split';

export interface KernelPit {
  /** `struct kvm_pit_state2`. */
  readonly pit: Uint8Array;
  /** Starts its counters anew from their whole counts; ticks that wait to be delivered are forgotten. */
  startPit(state: Uint8Array): void;
}

/** What they hold, for people. */
export interface IrqchipView {
  /** Master and slave. */
  readonly pics: readonly [PicState, PicState];
  readonly ioapic: IoapicState;
  readonly pit: readonly PitChannel[];
}

export interface InterruptControllers {
  readonly kind: IrqchipKind;
  /** The PIT, where it is in the kernel: its time is read and set with the other clocks there. */
  readonly kernelPit?: KernelPit;
  /** The processors, where those have to be interrupted from here. The 8259s interrupt the first. */
  attach?(vcpus: readonly Vcpu[]): void;
  /** Drives an interrupt line (GSI), 0 to 23. */
  setLine(gsi: number, level: boolean): void;
  /** Delivers a message-signalled interrupt (SDM vol. 3A, 11.11); false where nobody took it. */
  signalMsi(address: bigint, data: number): boolean;
  /** A processor has ended the service of a level's vector (KVM_EXIT_IOAPIC_EOI). */
  endOfInterrupt(vector: number, vcpu: Vcpu): void;
  /**
   * Undoes that a processor has taken this vector from the 8259s: its input is requested again, and not in service. False where none of
   * theirs is. No vCPU may be running.
   */
  unacknowledge(vector: number): boolean;
  /** As after power-on, or as a BIOS leaves them. No vCPU may be running. */
  reset(byBios?: boolean): void;
  view(): IrqchipView;
  /** No vCPU may be running. Local APICs may change by it. */
  save(): IrqchipState;
  /** Takes what `save` gave, before the vCPUs are restored. Throws TypeError for anything else. */
  restore(state: IrqchipState): void;
  /** Ends what waits for a time. */
  close(): void;
}
