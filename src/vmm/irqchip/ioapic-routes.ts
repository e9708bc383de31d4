/**
 * Tells KVM which of our IOAPIC's interrupts are levels: their ends come back as KVM_EXIT_IOAPIC_EOI (KVM api.rst,
 * KVM_CAP_SPLIT_IRQCHIP, KVM_SET_GSI_ROUTING). An edge has no end to be told, and is sent without a route.
 */
import type { InterruptMessage } from '../devices/ioapic.js';
import { native, type NativeVm } from '../native.js';

export class IoapicRoutes {
  readonly #vm: NativeVm;
  #told = '';

  constructor(vm: NativeVm) {
    this.#vm = vm;
  }

  /** By input. */
  set(levels: readonly (readonly [input: number, message: InterruptMessage])[]): void {
    const wanted = levels.map(([input, { address, data }]) => `${input}:${address}:${data}`).join();
    if (wanted === this.#told) return;
    this.#told = wanted;
    const { constants, layout } = native();
    const { size, fields } = layout['kvm_irq_routing_entry'];
    const bytes = new Uint8Array(levels.length * size);
    const view = new DataView(bytes.buffer);
    levels.forEach(([input, { address, data }], i) => {
      const put = (field: string, value: number): void => view.setUint32(i * size + fields[field].offset, value, true);
      put('gsi', input);
      put('type', constants['KVM_IRQ_ROUTING_MSI']);
      put('u.msi.address_lo', Number(address & 0xffff_ffffn));
      put('u.msi.address_hi', Number(address >> 32n));
      put('u.msi.data', data);
    });
    this.#vm.setGsiRouting(bytes);
  }
}
