/**
 * The south bridge: PIIX3's ISA bridge and IDE function (Intel 82371SB datasheet, 290550) and, as QEMU's machine has it
 * beside them, the power management function of PIIX4 (82371AB, 290562). The chips behind them are other files.
 */
import { PciFunction, type PciRegister } from './pci-function.js';

const INTEL = 0x8086;
/** PIRQRC[A:D]: which ISA interrupt a PCI interrupt is; bit 7 disconnects it. */
const PIRQRCA = 0x60;
const PIRQ_DISCONNECTED = 0x80;
/** IDETIM: bit 15 makes a channel decode its ports. */
const IDETIM = 0x40;
const BMIBA = 0x20;
const PMBA = 0x40, DEVACTB = 0x58, PMREGMISC = 0x80, SMBBA = 0x90;
const IO_SPACE = 0x01;
/** PMREGMISC: the PM I/O space is there. */
const PMIOSE = 0x01;
/** DEVACTB: a write to the APM control port is an SMI. Set from reset on, it tells firmware that SMM is taken care of. */
const APMC_EN = 0x0200_0000;

/** Bytes of the PM I/O space. */
export const PM_IO_SIZE = 64;

/** Where I/O ports are to appear: `base` 0 takes them away. */
export type MapPorts = (base: number) => void;

export function piix3IsaBridge(): PciFunction {
  const route = (offset: number): PciRegister => ({ offset, size: 1, reset: PIRQ_DISCONNECTED, writable: 0x8f });
  return new PciFunction({
    name: 'PIIX3 ISA bridge', device: 1, function: 0, multifunction: true,
    vendorId: INTEL, deviceId: 0x7000, classCode: 0x06_0100,
    command: { reset: 0x0007, writable: 0x0108 }, status: 0x0200,
    registers: [
      { offset: 0x4c, size: 1, reset: 0x4d, writable: 0xff }, // ISA I/O recovery timer
      { offset: 0x4e, size: 2, reset: 0x0003, writable: 0xffff }, // X-bus chip select
      ...[0, 1, 2, 3].map((i) => route(PIRQRCA + i)),
      { offset: 0x69, size: 1, reset: 0x02, writable: 0xfe }, // top of memory
      { offset: 0x6a, size: 2, reset: 0, writable: 0xffff },
      { offset: 0x70, size: 2, reset: 0x8080, writable: 0xffff }, // motherboard interrupt routes
      { offset: 0x76, size: 2, reset: 0x0c0c, writable: 0xffff }, // motherboard DMA
      { offset: 0x78, size: 2, reset: 0x0002, writable: 0xffff }, // programmable chip select
      { offset: 0xa0, size: 4, reset: 0x0008, writable: 0xffff_ffff }, // SMI control and enable
      { offset: 0xa8, size: 1, reset: 0x0f, writable: 0xff },
    ],
  });
}

/** The IDE function in compatibility mode: its channels are at the ISA ports, whatever it says. */
export function piix3Ide(mapBusMaster: MapPorts): PciFunction {
  let command = 0;
  let base = 0;
  const map = (): void => mapBusMaster((command & IO_SPACE) !== 0 ? base & 0xfff0 : 0);
  return new PciFunction({
    name: 'PIIX3 IDE', device: 1, function: 1,
    vendorId: INTEL, deviceId: 0x7010, classCode: 0x01_0180,
    command: { reset: 0, writable: 0x0005, changed: (value) => { command = value; map(); } }, status: 0x0280,
    registers: [
      // The datasheet's upper half is zero; SeaBIOS would take that for a BAR of 4 GiB.
      { offset: BMIBA, size: 4, reset: IO_SPACE, writable: 0xffff_fff0, changed: (value) => { base = value; map(); } },
      { offset: IDETIM, size: 4, reset: 0, writable: 0xffff_ffff },
      { offset: 0x44, size: 1, reset: 0, writable: 0xff },
    ],
  });
}

/** The power management function; `mapPm` gets the base of the PM I/O space whenever it appears, moves or goes. */
export function piix4PowerManagement(mapPm: MapPorts): PciFunction {
  let base = 0;
  let enabled = 0;
  const map = (): void => mapPm((enabled & PMIOSE) !== 0 ? base & 0xffc0 : 0);
  return new PciFunction({
    name: 'PIIX4 PM', device: 1, function: 3, interruptPin: 1,
    vendorId: INTEL, deviceId: 0x7113, classCode: 0x06_8000, revision: 3,
    command: { reset: 0, writable: 0x0001 }, status: 0x0280,
    registers: [
      { offset: PMBA, size: 4, reset: IO_SPACE, writable: 0xffc0, changed: (value) => { base = value; map(); } },
      { offset: DEVACTB, size: 4, reset: APMC_EN, writable: 0xffff_ffff },
      { offset: 0x5c, size: 4, reset: 0, writable: 0xffff_ffff }, // device resources
      { offset: 0x60, size: 4, reset: 0x6000_0000, writable: 0 },
      { offset: PMREGMISC, size: 1, reset: 0, writable: PMIOSE, changed: (value) => { enabled = value; map(); } },
      { offset: SMBBA, size: 4, reset: IO_SPACE, writable: 0xfff0 },
      { offset: 0xd2, size: 1, reset: 0, writable: 0xff }, // SMBus host configuration
    ],
  });
}
