/** What firmware finds on its board besides the standard devices: QEMU's "pc" machine, as SeaBIOS knows it. */
import { acpiTables } from './acpi/acpi-tables.js';
import { acpiFiles } from './acpi/table-loader.js';
import { busMaster } from './bus-master.js';
import type { Device, RaiseEvent } from './device.js';
import { fwCfgItems, type FirmwareConfig } from './devices/fw-cfg-items.js';
import { smbiosFiles } from './devices/smbios-files.js';
import type { VideoCard } from './devices/vga/video-card.js';
import { FW_CFG_PORTS, FwCfg } from './devices/fw-cfg.js';
import type { MonotonicClock } from './devices/acpi-pm.js';
import type { GuestMemory } from './guest-memory.js';
import { i440fxHostBridge } from './pci/i440fx.js';
import { PciBus } from './pci/pci-bus.js';
import { standardVga } from './pci/standard-vga.js';
import { piix3Ide, piix3IsaBridge, piix4PowerManagement } from './pci/piix3.js';
import type { MmioBus } from './mmio-bus.js';
import type { PortBus } from './port-bus.js';
import { addPowerManagement } from './power-management.js';
import type { PlacedPorts } from './standard-devices.js';

export interface FirmwareWiring {
  readonly raise: RaiseEvent;
  readonly memory: GuestMemory;
  /** What timers of devices count by. */
  readonly now: MonotonicClock;
  readonly config: FirmwareConfig;
  readonly video: VideoCard;
  /** A video BIOS, to be in the card's ROM. */
  readonly videoRom?: Uint8Array;
  readonly log: (sentence: string) => void;
  /** Devices that give their ports to the PM registers wherever firmware puts those. */
  readonly shortcuts: readonly PlacedPorts[];
}

/**
 * Where PC firmware looks for what this board does not have: DMA controllers, more IDE channels, floppy drives, printers, COM2–4, hotplug
 * of PCI and of processors; the BIOS of Bochs writes to its emulator's debug ports.
 */
const LOOKED_FOR: readonly (readonly [base: number, length: number])[] = [
  [0x00, 0x10], [0x81, 0x0f], [0xc0, 0x20], [0x168, 8], [0x1e8, 8], [0x278, 3], [0x2e8, 8], [0x2f8, 8], [0x366, 2], [0x378, 3],
  [0x3bc, 4], [0x3e6, 0x12], [0x400, 2], [0xae00, 0x20], [0xaf00, 0xc],
];
const HPET = 0xfed0_0000n, TPM = 0xfed4_0000n;

export interface FirmwareDevices {
  readonly all: readonly Device[];
  readonly pci: PciBus;
  readonly fwCfg: FwCfg;
}

/** Makes the devices and claims their ports. */
export function addFirmwareDevices(ports: PortBus, mmio: MmioBus, { raise, memory, now, config, shortcuts, video, videoRom, log }: FirmwareWiring): FirmwareDevices {
  const power = addPowerManagement(ports, raise, shortcuts, now);
  const ramSize = config.ram.reduce((sum, { size }) => sum + size, 0);
  const tables = [...acpiFiles(acpiTables({ cpus: config.cpus, pci: true })), ...smbiosFiles(config.cpus, ramSize)];
  const fwCfg = new FwCfg(fwCfgItems({ ...config, files: new Map([...tables, ...config.files ?? []]) }), busMaster(memory));
  const vga = standardVga(video, memory, mmio, videoRom, log);
  const pci = new PciBus([
    i440fxHostBridge(), piix3IsaBridge(), piix3Ide(() => undefined), piix4PowerManagement((base) => power.place(base)), vga.function,
  ], raise);
  ports.claim(pci, 0xcf8, 8);
  ports.claim(fwCfg, 0x510, FW_CFG_PORTS);
  for (const [base, length] of LOOKED_FOR) ports.expectAbsent(base, length);
  for (const page of [HPET, TPM]) mmio.expectAbsent(page);
  return { all: [...power.all, fwCfg, vga.registers, ...pci.devices], pci, fwCfg };
}
