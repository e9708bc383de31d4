/** The interrupt controllers of a PC in the kernel: two 8259s, an IOAPIC and an 8254 PIT (KVM api.rst, KVM_CREATE_IRQCHIP). */
import { native, type NativeVm } from '../native.js';
import { kvmConstant } from '../vm-setup.js';
import { programmedByBios } from './bios-programming.js';
import { ioapicState, picState, pitChannels } from './chip-state.js';
import { routeInterrupts } from './gsi-routing.js';
import type { InterruptControllers, IrqchipView, KernelPit } from './interrupt-controllers.js';
import type { IrqchipState, KernelIrqchipState } from './irqchip-state.js';
import { requestAgain } from './request-again.js';

export class KernelIrqchip implements InterruptControllers, KernelPit {
  readonly kind = 'kernel';
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

  setLine(gsi: number, level: boolean): void {
    this.#vm.irqLine(gsi, level);
  }

  signalMsi(address: bigint, data: number): boolean {
    return this.#vm.signalMsi(address, data);
  }

  endOfInterrupt(): void { /* the kernel's IOAPIC sees it by itself */ }

  unacknowledge(vector: number): boolean {
    const [master, slave] = this.save().chips;
    if (!requestAgain(master, slave, vector)) return false;
    // The slave drives the master.
    for (const chip of [master, slave]) this.#vm.setIrqchip(chip);
    return true;
  }

  reset(byBios = false): void {
    this.restore(byBios ? programmedByBios(this.#pristine) : this.#pristine);
  }

  view(): IrqchipView {
    const { chips: [master, slave, ioapic], pit } = this.save();
    return { pics: [picState(master), picState(slave)], ioapic: ioapicState(ioapic), pit: pitChannels(pit) };
  }

  save(): KernelIrqchipState {
    const { constants } = native();
    const chips = ['KVM_IRQCHIP_PIC_MASTER', 'KVM_IRQCHIP_PIC_SLAVE', 'KVM_IRQCHIP_IOAPIC'].map((name) => this.#vm.getIrqchip(constants[name]));
    return { chips, pit: this.#vm.getPit2() };
  }

  get kernelPit(): KernelPit {
    return this;
  }

  get pit(): Uint8Array {
    return this.#vm.getPit2();
  }

  startPit(state: Uint8Array): void {
    this.#vm.setPit2(state);
  }

  restore(state: IrqchipState): void {
    if (!('chips' in state)) throw new TypeError('This is not the state of interrupt controllers in the kernel.');
    for (const chip of state.chips) this.#vm.setIrqchip(chip);
    this.#vm.setPit2(state.pit);
  }

  close(): void { /* they end with their VM */ }
}
