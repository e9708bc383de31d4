/** The interrupt controllers of a PC in the kernel: two 8259s, an IOAPIC and an 8254 PIT (KVM api.rst, KVM_CREATE_IRQCHIP). */
import { native, type NativeVm } from '../native.js';
import { kvmConstant } from '../vm-setup.js';
import { programmedByBios } from './bios-programming.js';
import { routeInterrupts } from './gsi-routing.js';
import type { KernelIrqchipState } from './irqchip-state.js';

export class KernelIrqchip {
  readonly #vm: NativeVm;
  readonly #pristine: KernelIrqchipState;

  /** Adds them to a VM that has no vCPU yet. */
  constructor(vm: NativeVm) {
    this.#vm = vm;
    vm.createIrqchip();
    routeInterrupts(vm);
    vm.createPit2(kvmConstant('KVM_PIT_SPEAKER_DUMMY'));
    this.#pristine = this.save();
  }

  /** Drives an interrupt line (GSI), 0 to 23. */
  setLine(gsi: number, level: boolean): void {
    this.#vm.irqLine(gsi, level);
  }

  /** Delivers a message-signalled interrupt (SDM vol. 3A, 11.11); false where the guest has blocked it. */
  signalMsi(address: bigint, data: number): boolean {
    return this.#vm.signalMsi(address, data);
  }

  /** As after power-on, or as a BIOS leaves them. */
  reset(byBios = false): void {
    this.restore(byBios ? programmedByBios(this.#pristine) : this.#pristine);
  }

  save(): KernelIrqchipState {
    const { constants } = native();
    const chips = ['KVM_IRQCHIP_PIC_MASTER', 'KVM_IRQCHIP_PIC_SLAVE', 'KVM_IRQCHIP_IOAPIC'].map((name) => this.#vm.getIrqchip(constants[name]));
    return { chips, pit: this.#vm.getPit2() };
  }

  /** `struct kvm_pit_state2`. */
  get pit(): Uint8Array {
    return this.#vm.getPit2();
  }

  /** Starts its counters anew from their whole counts; ticks that wait to be delivered are forgotten. */
  startPit(state: Uint8Array): void {
    this.#vm.setPit2(state);
  }

  restore({ chips, pit }: KernelIrqchipState): void {
    for (const chip of chips) this.#vm.setIrqchip(chip);
    this.#vm.setPit2(pit);
  }
}
