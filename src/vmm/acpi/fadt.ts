/**
 * The Fixed ACPI Description Table, revision 3 (ACPI 6.5, 5.2.9), of the PIIX4's registers where SeaBIOS and this machine
 * put them, and the Firmware ACPI Control Structure (5.2.10).
 */
import { ascii, le } from './encode.js';
import { SCI } from './madt.js';
import { HEADER_SIZE, systemTable } from './system-table.js';

/** Base of the PM I/O space: where `AcpiPm` is. */
export const PM_BASE = 0x600;
const PM_EVENT = PM_BASE, PM_CONTROL = PM_BASE + 4, PM_TIMER = PM_BASE + 8;

/** Offsets of what points elsewhere. */
export const FADT_POINTERS = { facs: 36, dsdt: 40, facs64: 132, dsdt64: 140 } as const;

const SIZE = 244;
const REVISION = 3;
const SMI_COMMAND = 0xb2, ACPI_ENABLE = 0xf1, ACPI_DISABLE = 0xf0;
const DESKTOP = 1;
/** Latencies above 100 and 1000 µs: C2 and C3 are not there. */
const NO_C2 = 0x0fff, NO_C3 = 0x0fff;
const CENTURY = 0x32;
/** IAPC_BOOT_ARCH: ISA devices that are not told by ACPI, an 8042. */
const BOOT_ARCH = 0x0003;
/** WBINVD, PROC_C1, no fixed power or sleep button, no RTC wake status, RESET_REG. */
const FLAGS = 1 << 0 | 1 << 2 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 10;
/** The keyboard controller pulses the processor's reset line. */
const RESET_PORT = 0x64, RESET_VALUE = 0xfe;

/** Its pointers are 0. */
export function fadt(): Uint8Array {
  const table = systemTable('FACP', REVISION, new Array<number>(SIZE - HEADER_SIZE).fill(0));
  const put = (offset: number, bytes: readonly number[]): void => table.set(bytes, offset);
  put(45, [DESKTOP, ...le(SCI, 2), ...le(SMI_COMMAND, 4), ACPI_ENABLE, ACPI_DISABLE]);
  put(56, le(PM_EVENT, 4));
  put(64, le(PM_CONTROL, 4));
  put(76, le(PM_TIMER, 4));
  put(88, [4, 2, 0, 4]);
  put(96, [...le(NO_C2, 2), ...le(NO_C3, 2)]);
  put(108, [CENTURY, ...le(BOOT_ARCH, 2)]);
  put(112, le(FLAGS, 4));
  put(116, [...ioPort(RESET_PORT, 8), RESET_VALUE]);
  put(148, ioPort(PM_EVENT, 32));
  put(172, ioPort(PM_CONTROL, 16));
  put(208, ioPort(PM_TIMER, 32));
  return table;
}

/** A generic address structure of an I/O port (5.2.3.2). */
function ioPort(port: number, bits: number): number[] {
  return [1, bits, 0, bits === 8 ? 1 : bits === 16 ? 2 : 3, ...le(port, 8)];
}

/** Lies at a multiple of 64; it has no checksum. */
export function facs(): Uint8Array {
  const table = new Uint8Array(64);
  table.set([...ascii('FACS'), ...le(64, 4)]);
  table[32] = 1;
  return table;
}
