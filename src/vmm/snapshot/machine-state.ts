/** A whole machine at one moment, and back: vCPUs, interrupt controllers, time, devices with their disks, memory. */
import type { BiosServices } from '../bios/bios-services.js';
import type { Device, DeviceState } from '../device.js';
import type { GuestClock, GuestTime } from '../guest-clock.js';
import type { InterruptControllers } from '../irqchip/interrupt-controllers.js';
import type { IrqchipState } from '../irqchip/irqchip-state.js';
import { captureVcpu, restoreVcpu, type VcpuState } from '../vcpu-state.js';
import type { Vcpu } from '../vcpu.js';
import type { GuestMemoryImage, MemoryHistory } from './memory-history.js';

export interface MachineState {
  readonly vcpus: readonly VcpuState[];
  readonly irqchip: IrqchipState | undefined;
  readonly time: GuestTime;
  readonly devices: ReadonlyMap<Device, DeviceState>;
  readonly bios: DeviceState | undefined;
  readonly memory: GuestMemoryImage;
}

export interface MachineParts {
  readonly vcpus: readonly Vcpu[];
  /** MSRs of each vCPU that can be read and written. */
  readonly msrs: readonly Uint32Array[];
  readonly irqchip: InterruptControllers | undefined;
  readonly clock: GuestClock;
  readonly devices: readonly Device[];
  readonly bios: BiosServices | undefined;
  readonly memory: MemoryHistory;
}

/** No vCPU may be running. Throws RangeError when there is no memory for the copies of RAM, and then nothing is kept. */
export function captureMachine({ vcpus, msrs, irqchip, clock, devices, bios, memory }: MachineParts): MachineState {
  const time = clock.capture();
  const chips = irqchip?.save();
  const states = vcpus.map((vcpu, i) => captureVcpu(vcpu, msrs[i], irqchip !== undefined));
  return {
    time,
    vcpus: states,
    irqchip: chips,
    devices: new Map(devices.map((device) => [device, device.save()])),
    bios: bios?.save(),
    memory: memory.save(),
  };
}

/** No vCPU may be running. Returns how many bytes of RAM were written. */
export function restoreMachine({ vcpus, irqchip, clock, devices, bios, memory }: MachineParts, state: MachineState): number {
  clock.set(state.time);
  // Their lines come before the interrupt controllers, which have seen them.
  for (const device of devices) {
    const own = state.devices.get(device);
    if (own !== undefined) device.restore(own);
  }
  if (state.bios !== undefined) bios?.restore(state.bios);
  if (state.irqchip !== undefined) irqchip?.restore(state.irqchip);
  vcpus.forEach((vcpu, i) => restoreVcpu(vcpu, state.vcpus[i]));
  // Last: some of KVM's MSRs are written into memory.
  return memory.load(state.memory);
}
