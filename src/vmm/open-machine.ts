/** The parts of a machine that can fail: its files are placed, /dev/kvm is opened, a VM made and given memory. */
import { firmwareTables } from './acpi/firmware-tables.js';
import type { LoadedGuest, MemoryWrite } from './boot/boot-options.js';
import { loadFirmware, type LoadedFirmware } from './boot/firmware.js';
import { loadGuest } from './boot/load-guest.js';
import { checkLongMode, checkMachineOptions } from './check-machine-options.js';
import { GuestMemory, ramLayout, type MemoryRegion } from './guest-memory.js';
import type { MachineOptions } from './machine-options.js';
import { MEBIBYTE } from './memory-size.js';
import { MemorySlots } from './memory-slots.js';
import { native, type NativeSystem, type NativeVm } from './native.js';
import { openVm } from './vm-setup.js';

const DEFAULT_MEMORY = 128 * MEBIBYTE;

export interface OpenMachine {
  readonly system: NativeSystem;
  readonly vm: NativeVm;
  readonly slots: MemorySlots;
  readonly memory: GuestMemory;
  /** RAM, in the order of addresses. */
  readonly ram: readonly MemoryRegion[];
  readonly cpus: number;
  readonly guest: LoadedGuest | undefined;
  readonly firmware: LoadedFirmware | undefined;
  /** What firmware would leave in memory for an operating system. */
  readonly tables: readonly MemoryWrite[];
}

/** Throws RangeError, GuestError or NativeError with one sentence; nothing stays open then. */
export function openMachine(options: MachineOptions): OpenMachine {
  const size = options.memory ?? DEFAULT_MEMORY;
  const cpus = options.cpus ?? 1;
  const ram = ramLayout(size);
  checkMachineOptions(options, size, cpus);
  const firmware = options.firmware === undefined ? undefined : loadFirmware(options.firmware, ram);
  // Firmware makes its own.
  const tables = firmware === undefined && (options.irqchip ?? 'none') !== 'none' ? firmwareTables({ cpus, pci: false }) : [];
  const guest = options.guest === undefined ? undefined
    : loadGuest(options.guest.bytes, { ...options.guest, ram, ...(tables[0] !== undefined && { rsdp: tables[0] }) });
  checkLongMode(guest, options);
  const system = native().openSystem();
  let vm: NativeVm | undefined;
  let memory: GuestMemory | undefined;
  try {
    vm = openVm(system);
    const slots = new MemorySlots(vm);
    memory = new GuestMemory(native(), slots);
    memory.addRam(size);
    if (firmware !== undefined) memory.addRom(Number(firmware.rom.address), firmware.rom.bytes);
    return { system, vm, slots, memory, ram, cpus, guest, firmware, tables };
  } catch (error) {
    closeMachine(system, vm, memory);
    throw error;
  }
}

/** In the order in which nothing is in use any more. */
export function closeMachine(system: NativeSystem, vm: NativeVm | undefined, memory: GuestMemory | undefined): void {
  vm?.close();
  memory?.close();
  system.close();
}
