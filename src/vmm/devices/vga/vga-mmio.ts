/**
 * The registers of a PCI video card in memory, as QEMU's standard VGA has them behind base address 2 (QEMU
 * docs/specs/standard-vga.rst): 400h–41Fh are ports 3C0h–3DFh, 500h on are Bochs VBE's registers of 16 bits each.
 */
import type { DeviceState, MmioDevice } from '../../device.js';
import type { Dispi } from './dispi.js';
import type { Vga } from './vga.js';

export const VGA_MMIO_SIZE = 0x1000;
const PORTS = 0x400, PORTS_END = 0x420, DISPI = 0x500, DISPI_END = 0x516;
/** From the VGA's first port to 3C0h. */
const FIRST_OFFSET = 0x10;

export class VgaMmio implements MmioDevice {
  readonly name = 'VGA registers';

  constructor(private readonly vga: Vga, private readonly dispi: Dispi) {}

  readMmio(offset: number, data: Uint8Array): void {
    data.fill(0xff);
    if (isDispi(offset, data.length)) {
      const value = this.dispi.read((offset - DISPI) >> 1);
      data[0] = value;
      data[1] = value >> 8;
      return;
    }
    for (let i = 0; i < data.length; i++) if (isPort(offset + i)) data[i] = this.vga.readPort(offset + i - PORTS + FIRST_OFFSET, 1);
  }

  writeMmio(offset: number, data: Uint8Array): void {
    if (isDispi(offset, data.length)) return this.dispi.write((offset - DISPI) >> 1, data[0] | (data[1] << 8));
    for (let i = 0; i < data.length; i++) if (isPort(offset + i)) this.vga.writePort(offset + i - PORTS + FIRST_OFFSET, 1, data[i]);
  }

  // What it shows is saved with the VGA.
  reset(): void { /* nothing of its own */ }

  save(): DeviceState {
    return {};
  }

  restore(): void { /* nothing of its own */ }
}

function isPort(offset: number): boolean {
  return offset >= PORTS && offset < PORTS_END;
}

function isDispi(offset: number, length: number): boolean {
  return length === 2 && offset >= DISPI && offset < DISPI_END && offset % 2 === 0;
}
