/** The devices every machine has, and their ports. */
import type { Device, RaiseEvent } from './device.js';
import { AcpiPowerOff } from './devices/acpi-power-off.js';
import { DebugConsole } from './devices/debug-console.js';
import { I8042Reset } from './devices/i8042-reset.js';
import { IsaDebugExit } from './devices/isa-debug-exit.js';
import { Port92 } from './devices/port-92.js';
import { PostCode } from './devices/post-code.js';
import { Serial16550A, type SerialSink } from './devices/serial-16550a.js';
import type { PortBus } from './port-bus.js';

/** IRQ of the first serial port on a PC. */
const COM1_IRQ = 4;

export interface DeviceWiring {
  readonly raise: RaiseEvent;
  readonly serial: SerialSink;
  readonly debugConsole: SerialSink;
  /** Drives an interrupt line; absent when there is no interrupt controller. */
  readonly irqLine?: (irq: number, level: boolean) => void;
}

export interface StandardDevices {
  readonly all: readonly Device[];
  readonly serial: Serial16550A;
  readonly postCode: PostCode;
}

/** Makes the devices and claims their ports. */
export function addStandardDevices(ports: PortBus, { raise, serial, debugConsole, irqLine }: DeviceWiring): StandardDevices {
  const com1 = new Serial16550A('serial0', serial, (level) => irqLine?.(COM1_IRQ, level));
  const postCode = new PostCode();
  const i8042 = new I8042Reset(raise);
  const port92 = new Port92(raise);
  const bochsConsole = new DebugConsole('debug console (0xe9)', debugConsole);
  const firmwareConsole = new DebugConsole('debug console (0x402)', debugConsole);
  const debugExit = new IsaDebugExit(raise);
  const qemu = new AcpiPowerOff('QEMU', 0x2000, raise);
  const bochs = new AcpiPowerOff('Bochs', 0x2000, raise);
  const virtualBox = new AcpiPowerOff('VirtualBox', 0x3400, raise);

  ports.claim(com1, 0x3f8, 8);
  ports.claim(postCode, 0x80, 1);
  ports.claim(i8042, 0x60, 1);
  ports.claim(i8042, 0x64, 1, 4);
  ports.claim(port92, 0x92, 1);
  ports.claim(bochsConsole, 0xe9, 1);
  ports.claim(firmwareConsole, 0x402, 1);
  ports.claim(debugExit, 0xf4, 4);
  ports.claim(debugExit, 0x501, 2);
  ports.claim(qemu, 0x604, 2);
  ports.claim(bochs, 0xb004, 2);
  ports.claim(virtualBox, 0x4004, 2);
  return {
    all: [com1, postCode, i8042, port92, bochsConsole, firmwareConsole, debugExit, qemu, bochs, virtualBox],
    serial: com1,
    postCode,
  };
}
