/**
 * The tables of Intel's MultiProcessor Specification 1.4 (chapter 4), for kernels that know no ACPI: processors, the ISA
 * bus, the IOAPIC and what each of its inputs is wired to. They lie side by side, the floating pointer first.
 */
import { ascii, checksum, le } from './encode.js';
import { IO_APIC, IO_APIC_ID, LOCAL_APIC, SCI, TIMER_PIN } from './madt.js';

const POINTER_SIZE = 16;
const REVISION = 4;
const PROCESSOR = 0, BUS = 1, IOAPIC = 2, IO_INTERRUPT = 3, LOCAL_INTERRUPT = 4;
const APIC_VERSION = 0x14, IOAPIC_VERSION = 0x11;
const ENABLED = 1, BOOTSTRAP = 2;
/** The family and the flags that the specification knows (FPU, MCE, CX8, APIC); a kernel asks CPUID itself. */
const SIGNATURE = 0x600, FEATURES = 0x381;
/** Interrupt types; ExtINT is the 8259's. */
const INT = 0, NMI = 1, EXTINT = 3;
const CONFORMS = 0, HIGH_LEVEL = 0x0d;
const ISA_BUS = 0;
const ISA_INTERRUPTS = 16;
/** The slave 8259's, which is no interrupt of its own. */
const CASCADE = 2;
const EVERY_APIC = 0xff;

/** The tables for `address`, a multiple of 16. */
export function mpTable(cpus: number, address: number): Uint8Array {
  const processors = Array.from({ length: cpus }, (_, id) =>
    [PROCESSOR, id, APIC_VERSION, ENABLED | (id === 0 ? BOOTSTRAP : 0), ...le(SIGNATURE, 4), ...le(FEATURES, 4), ...le(0, 8)]);
  const wired = Array.from({ length: ISA_INTERRUPTS }, (_, line) => line).filter((line) => line !== CASCADE).map((line) =>
    [IO_INTERRUPT, INT, ...le(line === SCI ? HIGH_LEVEL : CONFORMS, 2), ISA_BUS, line, IO_APIC_ID, line === 0 ? TIMER_PIN : line]);
  const entries = [
    ...processors,
    [BUS, ISA_BUS, ...ascii('ISA', 6)],
    [IOAPIC, IO_APIC_ID, IOAPIC_VERSION, ENABLED, ...le(IO_APIC, 4)],
    ...wired,
    [LOCAL_INTERRUPT, EXTINT, ...le(CONFORMS, 2), ISA_BUS, 0, 0, 0],
    [LOCAL_INTERRUPT, NMI, ...le(CONFORMS, 2), ISA_BUS, 0, EVERY_APIC, 1],
  ];
  const body = entries.flat();
  const header = [
    ...ascii('PCMP'), ...le(44 + body.length, 2), REVISION, 0, ...ascii('KVMGDB', 8), ...ascii('KVM-GDBSERVR', 12),
    ...le(0, 4), ...le(0, 2), ...le(entries.length, 2), ...le(LOCAL_APIC, 4), ...le(0, 2), 0, 0,
  ];
  header[7] = checksum([...header, ...body]);
  const pointer = [...ascii('_MP_'), ...le(address + POINTER_SIZE, 4), 1, REVISION, 0, 0, 0, 0, 0, 0];
  pointer[10] = checksum(pointer);
  return Uint8Array.from([...pointer, ...header, ...body]);
}
