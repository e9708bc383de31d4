/** The devices every machine has, and their ports. */
import type { Device, PortDevice, RaiseEvent } from './device.js';
import { AcpiPowerOff } from './devices/acpi-power-off.js';
import { CmosRtc } from './devices/cmos-rtc.js';
import { cmosContents, type CmosFacts } from './devices/cmos-contents.js';
import { DebugConsole } from './devices/debug-console.js';
import { I8042 } from './devices/i8042.js';
import { IsaDebugExit } from './devices/isa-debug-exit.js';
import { Port92 } from './devices/port-92.js';
import { PostCode } from './devices/post-code.js';
import { Serial16550A, type SerialSink } from './devices/serial-16550a.js';
import type { PortBus } from './port-bus.js';

/** Interrupt lines of a PC. */
const KEYBOARD_IRQ = 1, COM1_IRQ = 4, RTC_IRQ = 8, MOUSE_IRQ = 12;

const FIRMWARE_CONSOLE = 0x402;

export interface DeviceWiring extends CmosFacts {
  readonly raise: RaiseEvent;
  readonly serial: SerialSink;
  readonly debugConsole: SerialSink;
  /** Takes what firmware writes to port 0x402; `null`: there is no such port. */
  readonly firmwareConsole: SerialSink | null;
  /** Drives an interrupt line; absent when there is no interrupt controller. */
  readonly irqLine?: (irq: number, level: boolean) => void;
}

export interface StandardDevices {
  readonly all: readonly Device[];
  readonly serial: Serial16550A;
  readonly i8042: I8042;
  readonly postCode: PostCode;
  /** Ways to switch off where no chipset has its ports; they give way to one. */
  readonly shortcuts: readonly PlacedPorts[];
}

/** A device and the ports that are its own. */
export interface PlacedPorts {
  readonly device: PortDevice;
  readonly base: number;
  readonly length: number;
}

/** Makes the devices and claims their ports. */
export function addStandardDevices(ports: PortBus, wiring: DeviceWiring): StandardDevices {
  const { raise, irqLine } = wiring;
  const line = (irq: number): ((level: boolean) => void) => onChange((level) => irqLine?.(irq, level));
  const com1 = new Serial16550A('serial0', wiring.serial, line(COM1_IRQ));
  const postCode = new PostCode();
  const i8042 = new I8042({ raise, keyboardIrq: line(KEYBOARD_IRQ), mouseIrq: line(MOUSE_IRQ) });
  const rtc = new CmosRtc(cmosContents(wiring), line(RTC_IRQ));
  const port92 = new Port92(raise);
  const bochsConsole = new DebugConsole('debug console (0xe9)', wiring.debugConsole);
  const debugExit = new IsaDebugExit(raise);
  const shortcuts = [
    { device: new AcpiPowerOff('QEMU', 0x2000, raise), base: 0x604, length: 2 },
    { device: new AcpiPowerOff('Bochs', 0x2000, raise), base: 0xb004, length: 2 },
    { device: new AcpiPowerOff('VirtualBox', 0x3400, raise), base: 0x4004, length: 2 },
  ];
  const all: Device[] = [com1, postCode, i8042, rtc, port92, bochsConsole, debugExit, ...shortcuts.map(({ device }) => device)];

  ports.claim(com1, 0x3f8, 8);
  ports.claim(postCode, 0x80, 1);
  ports.claim(i8042, 0x60, 1);
  ports.claim(i8042, 0x64, 1, 4);
  ports.claim(rtc, 0x70, 2);
  ports.claim(port92, 0x92, 1);
  ports.claim(bochsConsole, 0xe9, 1);
  ports.claim(debugExit, 0xf4, 4);
  ports.claim(debugExit, 0x501, 2);
  for (const { device, base, length } of shortcuts) ports.claim(device, base, length);
  if (wiring.firmwareConsole === null) {
    ports.expectAbsent(FIRMWARE_CONSOLE, 1);
  } else {
    const firmwareConsole = new DebugConsole('debug console (0x402)', wiring.firmwareConsole);
    ports.claim(firmwareConsole, FIRMWARE_CONSOLE, 1);
    all.push(firmwareConsole);
  }
  return { all, serial: com1, i8042, postCode, shortcuts };
}

/** Passes on changes only: each is a system call. */
function onChange(drive: (level: boolean) => void): (level: boolean) => void {
  let last = false;
  return (level) => {
    if (level === last) return;
    last = level;
    drive(level);
  };
}
