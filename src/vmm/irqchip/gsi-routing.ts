/**
 * What each global system interrupt is wired to, as on a PC: the ISA interrupts reach the 8259s and the IOAPIC's input of the
 * same number, but the PIT's, whose input is 2, the place of the cascade (ACPI 6.5, 5.2.12.5). KVM's own default has the PIT at 0.
 */
import { TIMER_PIN } from '../acpi/madt.js';
import { native, type NativeVm } from '../native.js';

const ISA_INTERRUPTS = 16, IOAPIC_PINS = 24, CASCADE = 2, PINS_PER_PIC = 8;

/** Tells KVM (KVM_SET_GSI_ROUTING). */
export function routeInterrupts(vm: NativeVm): void {
  const { constants } = native();
  const routes: (readonly [gsi: number, chip: number, pin: number])[] = [];
  for (let gsi = 0; gsi < IOAPIC_PINS; gsi++) {
    if (gsi < ISA_INTERRUPTS && gsi !== CASCADE) {
      routes.push([gsi, constants[gsi < PINS_PER_PIC ? 'KVM_IRQCHIP_PIC_MASTER' : 'KVM_IRQCHIP_PIC_SLAVE'], gsi % PINS_PER_PIC]);
    }
    if (gsi === 0) routes.push([gsi, constants['KVM_IRQCHIP_IOAPIC'], TIMER_PIN]);
    else if (gsi !== TIMER_PIN) routes.push([gsi, constants['KVM_IRQCHIP_IOAPIC'], gsi]);
  }
  const { size, fields } = native().layout['kvm_irq_routing_entry'];
  const bytes = new Uint8Array(routes.length * size);
  const view = new DataView(bytes.buffer);
  routes.forEach(([gsi, chip, pin], i) => {
    const put = (field: string, value: number): void => view.setUint32(i * size + fields[field].offset, value, true);
    put('gsi', gsi);
    put('type', constants['KVM_IRQ_ROUTING_IRQCHIP']);
    put('u.irqchip.irqchip', chip);
    put('u.irqchip.pin', pin);
  });
  vm.setGsiRouting(bytes);
}
