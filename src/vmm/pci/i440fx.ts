/**
 * The host bridge of the 440FX chipset (Intel 82441FX datasheet, 290549): as much as firmware asks of it.
 *
 * The PAM registers say which parts of C0000–FFFFF are read from and written to RAM. Here all of it always is RAM, with
 * a copy of the firmware in it from reset on, and the registers are only remembered (docs/decisions/0014-shadow-ram.md).
 */
import { PciFunction } from './pci-function.js';

/** PAM0 to PAM6: two fields of four bits for 16 KiB each, and the first one for F0000–FFFFF. */
const PAM0 = 0x59;
const SMRAM_CONTROL = 0x72;

export function i440fxHostBridge(): PciFunction {
  return new PciFunction({
    name: 'i440FX host bridge', device: 0, function: 0,
    vendorId: 0x8086, deviceId: 0x1237, classCode: 0x06_0000, revision: 2,
    command: { reset: 0x0006, writable: 0x0100 }, status: 0x0280,
    registers: [
      { offset: 0x50, size: 2, reset: 0, writable: 0xffff }, // PMC configuration
      { offset: PAM0, size: 1, reset: 0, writable: 0xf0 },
      ...[1, 2, 3, 4, 5, 6].map((i) => ({ offset: PAM0 + i, size: 1, reset: 0, writable: 0xff }) as const),
      { offset: 0x60, size: 4, reset: 0, writable: 0xffff_ffff }, // DRAM row boundaries
      { offset: 0x64, size: 4, reset: 0, writable: 0xffff_ffff },
      // C_BASE_SEG is wired to A0000H; there is no SMRAM behind it.
      { offset: SMRAM_CONTROL, size: 1, reset: 0x02, writable: 0x78 },
    ],
  });
}
