/** ACPI power management as on a PIIX4: the PM registers, wherever they are put, and the port that takes ACPI mode over. */
import type { Device, RaiseEvent } from './device.js';
import { AcpiPm, type MonotonicClock } from './devices/acpi-pm.js';
import { ApmControl } from './devices/apm-control.js';
import { PM_IO_SIZE } from './pci/piix3.js';
import type { PortBus } from './port-bus.js';
import type { PlacedPorts } from './standard-devices.js';

const APM_CONTROL = 0xb2;

export interface PowerManagement {
  readonly all: readonly Device[];
  /** Puts the PM registers at a port; 0 takes them away. */
  place(base: number): void;
}

/** `shortcuts`: devices that give their ports to the PM registers wherever those are. `now`: what the PM timer counts by. */
export function addPowerManagement(ports: PortBus, raise: RaiseEvent, shortcuts: readonly PlacedPorts[], now: MonotonicClock): PowerManagement {
  const pm = new AcpiPm(raise, now);
  const apm = new ApmControl((enabled) => pm.setSciEnabled(enabled));
  ports.claim(apm, APM_CONTROL, 2);
  return {
    all: [pm, apm],
    place(base) {
      const covers = (other: PlacedPorts): boolean => base !== 0 && other.base + other.length > base && other.base < base + PM_IO_SIZE;
      ports.move(pm, 0, PM_IO_SIZE);
      for (const shortcut of shortcuts) ports.move(shortcut.device, covers(shortcut) ? 0 : shortcut.base, shortcut.length);
      ports.move(pm, base, PM_IO_SIZE);
    },
  };
}
