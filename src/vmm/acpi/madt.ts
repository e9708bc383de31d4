/** The Multiple APIC Description Table: which processors and interrupt controllers there are (ACPI 6.5, 5.2.12). */
import { le } from './encode.js';
import { systemTable } from './system-table.js';

export const LOCAL_APIC = 0xfee0_0000;
export const IO_APIC = 0xfec0_0000;
/** As its ID register has it after reset. */
export const IO_APIC_ID = 0;
/** The system control interrupt: a level, unlike the other ISA interrupts. */
export const SCI = 9;
/** The IOAPIC input that the PIT's interrupt is wired to, as on every PC and as `routeInterrupts` tells KVM. */
export const TIMER_PIN = 2;

const REVISION = 3;
/** Flags: the two 8259s are there as well. */
const PCAT_COMPAT = 1;
const PROCESSOR = 0, IOAPIC = 1, OVERRIDE = 2, LOCAL_NMI = 4;
const ENABLED = 1;
/** MPS INTI flags: as the bus has it; active high and level. */
const CONFORMS = 0, HIGH_LEVEL = 0x0d;
const ALL_PROCESSORS = 0xff;

/** APIC ids are 0 to `cpus` − 1, at most 255 of them. */
export function madt(cpus: number): Uint8Array {
  const processors = Array.from({ length: cpus }, (_, id) => [PROCESSOR, 8, id, id, ...le(ENABLED, 4)]);
  const override = (irq: number, pin: number, flags: number): number[] => [OVERRIDE, 10, 0, irq, ...le(pin, 4), ...le(flags, 2)];
  return systemTable('APIC', REVISION, [
    ...le(LOCAL_APIC, 4), ...le(PCAT_COMPAT, 4),
    ...processors.flat(),
    IOAPIC, 12, IO_APIC_ID, 0, ...le(IO_APIC, 4), ...le(0, 4),
    ...override(0, TIMER_PIN, CONFORMS),
    ...override(SCI, SCI, HIGH_LEVEL),
    // NMI comes in by LINT1.
    LOCAL_NMI, 6, ALL_PROCESSORS, ...le(CONFORMS, 2), 1,
  ]);
}
