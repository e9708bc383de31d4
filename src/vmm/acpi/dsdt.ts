/**
 * The Differentiated System Description Table: processors, the ISA devices that a kernel looks for by their PNP ids, the
 * sleep state that switches off and, where there is one, the PCI bus (ACPI 6.5, 5.2.11.1).
 */
import { device, eisaId, integer, irq, name, packageOf, passedOn, ports, resources, scope, string, type Aml } from './aml.js';
import { SCI } from './madt.js';
import { systemTable } from './system-table.js';

/** 2: integers of 64 bits. */
const REVISION = 2;
/** Where the PIIX4's function that interrupts by INTA# is. */
const PM_DEVICE = 1;
/** The hole below 4 GiB that PCI devices may have: behind the most RAM there is (`LOW_RAM_LIMIT`), up to the IOAPIC. */
const PCI_MEMORY = { first: 0xc000_0000, last: 0xfebf_ffff };

/** A device by its PNP id; `_UID` tells several apart. */
function isa(key: string, id: string, ...descriptors: readonly Aml[]): Aml {
  return device(key, name('_HID', eisaId(id)), name('_CRS', resources(...descriptors)));
}

/** By the id of processor devices, the number that MADT has for it. */
function processor(id: number): Aml {
  return device(`C${id.toString(16).toUpperCase().padStart(3, '0')}`, name('_HID', string('ACPI0007')), name('_UID', integer(id)));
}

function pciBus(): Aml {
  return device('PCI0',
    name('_HID', eisaId('PNP0A03')), name('_UID', integer(0)),
    name('_CRS', resources(
      passedOn('bus', 0, 0xff),
      ports(0xcf8, 8), passedOn('io', 0, 0xcf7), passedOn('io', 0xd00, 0xffff),
      passedOn('memory', 0xa_0000, 0xb_ffff), passedOn('memory', PCI_MEMORY.first, PCI_MEMORY.last),
    )),
    name('_PRT', packageOf(packageOf(integer(PM_DEVICE * 0x1_0000 + 0xffff), integer(0), integer(0), integer(SCI)))));
}

/** `pci`: the machine has the PCI bus of `PciBus`. */
export function dsdt(cpus: number, pci: boolean): Uint8Array {
  const softOff = name('_S5', packageOf(integer(0), integer(0), integer(0), integer(0)));
  return systemTable('DSDT', REVISION, [
    ...softOff,
    ...scope('_SB',
      ...Array.from({ length: cpus }, (_, id) => processor(id)),
      ...(pci ? [pciBus()] : []),
      isa('KBD', 'PNP0303', ports(0x60, 1), ports(0x64, 1), irq(1)),
      isa('MOU', 'PNP0F13', irq(12)),
      isa('COM1', 'PNP0501', ports(0x3f8, 8), irq(4)),
      isa('RTC', 'PNP0B00', ports(0x70, 2), irq(8))),
  ]);
}
