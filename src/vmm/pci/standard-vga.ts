/**
 * The video card as a PCI function: QEMU's standard VGA, 1234:1111 (QEMU docs/specs/standard-vga.rst). Base address 0 is its
 * memory, 2 its registers, and its ROM holds a video BIOS if there is one.
 */
import type { Device } from '../device.js';
import type { GuestMemory } from '../guest-memory.js';
import type { MmioBus } from '../mmio-bus.js';
import type { VideoCard } from '../devices/vga/video-card.js';
import { VIDEO_MEMORY_SIZE } from '../devices/vga/video-memory.js';
import { VGA_MMIO_SIZE, VgaMmio } from '../devices/vga/vga-mmio.js';
import { PciFunction } from './pci-function.js';

const ROM_SIZE = 0x1_0000;
const MEMORY_SPACE = 0x02;
const ROM_ENABLE = 0x01;
const PREFETCHABLE = 0x08;
const ADDRESS = 0xffff_f000;

export interface StandardVga {
  readonly function: PciFunction;
  readonly registers: Device;
}

/** `rom`: a video BIOS of at most 64 KiB. Throws RangeError for a larger one. */
export function standardVga(card: VideoCard, memory: GuestMemory, mmio: MmioBus, rom: Uint8Array | undefined, log: (sentence: string) => void): StandardVga {
  const registers = new VgaMmio(card.vga, card.dispi);
  const romWindow = rom === undefined ? undefined : placeRom(memory, rom);
  let command = 0, framebuffer = 0, registerBase = 0, romBase = 0;
  const place = (): void => {
    const isOn = (command & MEMORY_SPACE) !== 0;
    const address = (register: number): number | undefined => (isOn && (register & ADDRESS) !== 0 ? (register & ADDRESS) >>> 0 : undefined);
    const registersAt = address(registerBase);
    const romAt = (romBase & ROM_ENABLE) === 0 ? undefined : address(romBase);
    card.memory.placeFramebuffer(address(framebuffer));
    mmio.move(registers, registersAt === undefined ? undefined : BigInt(registersAt), BigInt(VGA_MMIO_SIZE));
    if (romAt === undefined) return romWindow?.hide();
    try {
      romWindow?.show(romAt, 0);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      log(`The video card's ROM is not there: ${error.message}`);
    }
  };
  const vga = new PciFunction({
    name: 'standard VGA', device: 2, function: 0, vendorId: 0x1234, deviceId: 0x1111, classCode: 0x03_0000, revision: 2,
    command: { reset: 0, writable: 0x0103, changed: (value) => { command = value; place(); } },
    registers: [
      { offset: 0x10, size: 4, reset: PREFETCHABLE, writable: -VIDEO_MEMORY_SIZE >>> 0, changed: (value) => { framebuffer = value; place(); } },
      { offset: 0x18, size: 4, reset: 0, writable: -VGA_MMIO_SIZE >>> 0, changed: (value) => { registerBase = value; place(); } },
      ...(rom === undefined ? [] : [{
        offset: 0x30, size: 4, reset: 0, writable: (-ROM_SIZE >>> 0) | ROM_ENABLE, changed: (value: number) => { romBase = value; place(); },
      } as const]),
    ],
  });
  return { function: vga, registers };
}

function placeRom(memory: GuestMemory, rom: Uint8Array): ReturnType<GuestMemory['addWindow']> {
  if (rom.length > ROM_SIZE) throw new RangeError(`A video BIOS has at most ${ROM_SIZE} bytes, and this one has ${rom.length}.`);
  const device = memory.addDeviceMemory(ROM_SIZE);
  new Uint8Array(device.buffer).set(rom);
  return memory.addWindow('rom', device, ROM_SIZE);
}
