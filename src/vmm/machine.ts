/**
 * A machine: RAM, vCPUs, devices and a loaded guest on one KVM virtual machine. It knows nothing of debuggers: it
 * serves its vCPUs' device accesses, says when the guest has ended or reset itself, and starts over when told.
 */
import { PM_BASE } from './acpi/fadt.js';
import type { LoadedGuest, MemoryWrite } from './boot/boot-options.js';
import type { LoadedFirmware } from './boot/firmware.js';
import { BiosServices } from './bios/bios-services.js';
import { createVcpus } from './create-vcpus.js';
import type { Device, MachineEvent } from './device.js';
import type { SerialSink } from './devices/serial-16550a.js';
import { ISA_FRAMEBUFFER } from './devices/vga/isa-framebuffer.js';
import { VideoCard } from './devices/vga/video-card.js';
import { addDrives } from './drive-devices.js';
import { ExitCounters } from './exit-counters.js';
import type { Exit, ExitReason, MmioExit } from './exit.js';
import { addFirmwareDevices, type FirmwareDevices } from './firmware-devices.js';
import { GuestClock } from './guest-clock.js';
import type { GuestMemory } from './guest-memory.js';
import type { MachineOptions } from './machine-options.js';
import { createIrqchip } from './irqchip/create-irqchip.js';
import type { InterruptControllers } from './irqchip/interrupt-controllers.js';
import { isWritable } from './memory-layout.js';
import { MmioBus } from './mmio-bus.js';
import { MsrReports } from './msr-reports.js';
import { native, type NativeSystem, type NativeVm } from './native.js';
import { closeMachine, openMachine, type OpenMachine } from './open-machine.js';
import { PortBus } from './port-bus.js';
import { addPowerManagement, type PowerManagement } from './power-management.js';
import { capturePristine, type PristineVcpu } from './pristine-vcpu.js';
import { resetVcpu } from './reset-vcpu.js';
import { MemoryHistory } from './snapshot/memory-history.js';
import { captureMachine, restoreMachine, type MachineParts, type MachineState } from './snapshot/machine-state.js';
import { addStandardDevices, type StandardDevices } from './standard-devices.js';
import type { OpenDrive } from './storage/open-drives.js';
import type { Vcpu } from './vcpu.js';
import { WriteProtection } from './write-protection.js';

export type { GuestSource, MachineOptions } from './machine-options.js';

export interface MachineCounters {
  readonly exits: ReadonlyMap<ExitReason, number>;
  readonly unknownPorts: ReadonlyMap<number, number>;
  /** By the 4 KiB page's address. */
  readonly unknownMmio: ReadonlyMap<bigint, number>;
}

const COM1_PORT = 0x3f8;
const NOWHERE: SerialSink = { write: () => undefined };

export class Machine {
  readonly memory: GuestMemory;
  readonly ports: PortBus;
  readonly mmio: MmioBus;
  /** RAM pages whose writes `onProtectedWrite` gets; none unless a debugger asks. */
  readonly protection: WriteProtection;
  /**
   * Carries out what the guest wrote to a protected page; the bytes are not in memory yet. `stop` ends the vCPU's run.
   * An access is told in pieces of at most 8 bytes. Absent: the bytes are written.
   */
  onProtectedWrite: ((vcpu: Vcpu, gpa: number, bytes: Uint8Array) => 'resume' | 'stop') | undefined;
  /** The screen. */
  readonly video: VideoCard;
  readonly vcpus: readonly Vcpu[];
  /** The guest's time, which a debugger may stop. */
  readonly clock: GuestClock;
  /** Exits by reason, and what serving them took. */
  readonly exitCounters = new ExitCounters();
  readonly guest: LoadedGuest | undefined;
  readonly firmware: LoadedFirmware | undefined;
  /** Whether the vCPUs have local APICs, which are the kernel's: it waits for the end of a HLT and for SIPI. */
  readonly localApic: boolean;
  /** MSRs that KVM keeps for a vCPU (KVM_GET_MSR_INDEX_LIST). */
  readonly msrIndices: Uint32Array;
  readonly #system: NativeSystem;
  readonly #vm: NativeVm;
  readonly #msrReports: MsrReports;
  readonly #standard: StandardDevices;
  readonly #disks: readonly OpenDrive[];
  readonly #channels: readonly Device[];
  readonly #board: FirmwareDevices | undefined;
  /** Of a machine whose firmware tables are ours. */
  readonly #power: PowerManagement | undefined;
  readonly #bios: BiosServices | undefined;
  readonly #pristine: readonly PristineVcpu[];
  readonly #history: MemoryHistory;
  /** The chips behind the interrupt lines. */
  readonly irqchip: InterruptControllers | undefined;
  /** What firmware would leave in memory for an operating system. */
  readonly #tables: readonly MemoryWrite[];
  #event: MachineEvent | undefined;
  #closed = false;

  /**
   * Opens /dev/kvm, builds the machine and puts it in its reset state. Throws RangeError for a wrong size or number,
   * GuestError for a guest that cannot be started, NativeError for what the host refuses; nothing stays open then.
   */
  static create(options: MachineOptions = {}): Machine {
    const open = openMachine(options);
    try {
      return new Machine(open, options);
    } catch (error) {
      closeMachine(open.system, open.vm, open.memory);
      throw error;
    }
  }

  private constructor({ system, vm, slots, memory, ram, cpus, guest, firmware, tables }: OpenMachine, options: MachineOptions) {
    const log = options.log ?? (() => undefined);
    this.#system = system;
    this.#vm = vm;
    this.#msrReports = new MsrReports(vm);
    this.memory = memory;
    const localApic = this.localApic = (options.irqchip ?? 'none') !== 'none';
    this.guest = guest;
    this.firmware = firmware;
    this.#tables = tables;
    this.ports = new PortBus(log);
    this.mmio = new MmioBus(log);
    const irqchip = this.irqchip = createIrqchip(options.irqchip ?? 'none', vm, { ports: this.ports, mmio: this.mmio, clock: () => this.clock });
    this.clock = new GuestClock({ vm, vcpus: () => this.vcpus, localApic, kernelPit: irqchip?.kernelPit, policy: options.clock ?? 'pause' });
    const { constants } = native();
    this.protection = new WriteProtection(slots, memory, constants['KVM_MEM_READONLY'], vm.checkExtension(constants['KVM_CAP_NR_MEMSLOTS']));
    const irqLine = irqchip === undefined ? undefined : (irq: number, level: boolean): void => { if (!this.#closed) irqchip.setLine(irq, level); };
    const raise = (event: MachineEvent): void => { this.#event ??= event; };
    this.video = new VideoCard(memory, this.ports, this.mmio, log, guest?.videoMode);
    if (firmware === undefined) this.video.memory.offerFramebuffer(ISA_FRAMEBUFFER);
    const debugConsole = options.debugConsole ?? options.serial ?? NOWHERE;
    this.#disks = options.drives ?? [];
    const { channels, translations } = addDrives(this.ports, { drives: this.#disks, chipset: firmware !== undefined, irqLine });
    this.#channels = channels;
    this.#standard = addStandardDevices(this.ports, {
      raise, ram, cpus, debugConsole, translations, bootKinds: firmware?.bootKinds ?? [],
      serial: options.serial ?? NOWHERE,
      firmwareConsole: options.firmwareConsole === undefined ? debugConsole : options.firmwareConsole,
      ...(irqLine !== undefined && { irqLine }),
    });
    this.#board = firmware === undefined ? undefined : addFirmwareDevices(this.ports, this.mmio, {
      raise, memory, now: () => this.clock.now(), shortcuts: this.#standard.shortcuts, config: { ...firmware.config, ram, cpus, serialConsole: COM1_PORT }, log, video: this.video,
      ...(options.firmware?.videoRom !== undefined && { videoRom: options.firmware.videoRom }),
    });
    this.#power = this.#board === undefined && localApic ? addPowerManagement(this.ports, raise, this.#standard.shortcuts, () => this.clock.now()) : undefined;
    this.#power?.place(PM_BASE);
    const bios = options.bios ?? (guest?.needsBios === true ? { disks: [] } : undefined);
    this.#bios = bios === undefined ? undefined : new BiosServices({ memory, ram, raise, log, interrupts: localApic, video: this.video, keyboard: this.#standard.i8042, disks: bios.disks });

    this.msrIndices = system.getMsrIndexList();
    this.vcpus = createVcpus(system, vm, cpus, localApic, guest, options);
    irqchip?.attach?.(this.vcpus);
    this.#pristine = this.vcpus.map((vcpu) => capturePristine(vcpu.native, this.msrIndices, localApic));
    this.#history = new MemoryHistory(memory, slots);
    this.reset();
  }

  /** COM1. */
  get serial(): StandardDevices['serial'] {
    return this.#standard.serial;
  }

  get devices(): readonly Device[] {
    return [...this.#standard.all, ...this.video.devices, ...this.#channels, ...this.#board?.all ?? [], ...this.#power?.all ?? []];
  }

  /** Types on the keyboard, for INT 09h and INT 16h (`keystrokes` says what a text can have). Throws RangeError with one sentence. */
  keys(text: string): void {
    this.#standard.i8042.type(text);
  }

  /** Names of the images that the guest's writes go into. */
  get disksWrittenThrough(): readonly string[] {
    return this.#disks.filter(({ mode }) => mode === 'write').map(({ image }) => image.name);
  }

  /** PCI functions, with firmware only. */
  get pci(): FirmwareDevices['pci'] | undefined {
    return this.#board?.pci;
  }

  /** What firmware is told, with firmware only. */
  get fwCfg(): FirmwareDevices['fwCfg'] | undefined {
    return this.#board?.fwCfg;
  }

  /** Services for boot sectors without firmware. */
  get bios(): BiosServices | undefined {
    return this.#bios;
  }

  /** The last byte written to the POST port 0x80. */
  get postCode(): number {
    return this.#standard.postCode.code;
  }

  /** Whether anything here can wake a CPU from HLT. */
  get canWakeFromHalt(): boolean { return this.localApic; }

  get counters(): MachineCounters {
    return { exits: this.exitCounters.counts, unknownPorts: this.ports.unknownPorts, unknownMmio: this.mmio.unknownPages };
  }

  /** Makes accesses to these MSRs, and no others, exits that `serve` sees. Throws an Error with one sentence. */
  reportMsrs(indices: readonly number[]): void {
    this.#msrReports.set(indices);
  }

  /**
   * Serves an exit: port I/O and MMIO are carried out by the devices, reported MSR accesses by KVM. `stop`: it was
   * something else, or the guest ended or reset itself (`takeEvent`), or `onProtectedWrite` said so. Every exit is counted.
   */
  serve(vcpu: Vcpu, exit: Exit): 'resume' | 'stop' {
    this.exitCounters.count(exit.reason);
    if (this.#bios?.serve(vcpu, exit) === true) return this.#event === undefined ? 'resume' : 'stop';
    if (exit.reason === 'io') this.ports.serve(exit);
    else if (exit.reason === 'rdmsr' || exit.reason === 'wrmsr') return this.#msrReports.serve(vcpu, exit) === 'served' ? 'resume' : 'stop';
    else if (exit.reason === 'ioapic-eoi') this.irqchip?.endOfInterrupt(exit.vector, vcpu);
    else if (exit.reason === 'irq-window-open') return 'resume';
    else if (exit.reason !== 'mmio') return 'stop';
    else if (this.#serveMmio(vcpu, exit) === 'stop') return 'stop';
    return this.#event === undefined ? 'resume' : 'stop';
  }

  #serveMmio(vcpu: Vcpu, exit: MmioExit): 'resume' | 'stop' {
    const chunk = this.memory.chunkAt(exit.address);
    if (chunk === undefined) {
      this.mmio.serve(exit);
    } else if (!exit.isWrite) {
      // A video card's memory that was not shown when the guest looked.
      exit.data.set(this.memory.read(exit.address, exit.data.length));
    } else if (isWritable(chunk)) {
      const gpa = Number(exit.address);
      if (this.onProtectedWrite !== undefined && this.protection.has(gpa)) return this.onProtectedWrite(vcpu, gpa, exit.data);
      this.memory.write(gpa, exit.data);
    }
    // Else it is firmware in ROM, which ignores writes, as a ROM chip does.
    return 'resume';
  }

  /** What the guest asked for, until it is taken: the first of power-off and reset since the last call. */
  takeEvent(): MachineEvent | undefined {
    const event = this.#event;
    this.#event = undefined;
    return event;
  }

  /**
   * Back to the moment before the first instruction: devices, RAM, every vCPU's state. No vCPU may be running.
   * What a debugger planted is gone with the old RAM.
   */
  reset(): void {
    this.#requireOpen();
    for (const device of this.devices) device.reset();
    this.irqchip?.reset(this.#bios !== undefined);
    this.#bios?.reset();
    this.memory.clear();
    for (const { address, bytes } of [...this.#bios?.writes ?? [], ...this.#tables, ...this.guest?.writes ?? [], ...this.firmware?.writes ?? []]) this.memory.write(address, bytes);
    this.vcpus.forEach((vcpu, i) => resetVcpu(vcpu, this.#pristine[i], this.guest));
    this.clock.reset();
    this.#event = undefined;
  }

  /** Bytes of RAM that `save` would copy now. */
  changedMemory(): number {
    return this.#history.changedBytes();
  }

  /** All of it as it is now. No vCPU may be running. Throws RangeError when there is no memory for it. */
  save(): MachineState {
    this.#requireOpen();
    return captureMachine(this.#parts);
  }

  /** Back to what `save` of this machine gave; returns how many bytes of RAM were written. No vCPU may be running. */
  restore(state: MachineState): number {
    this.#requireOpen();
    this.#event = undefined;
    return restoreMachine(this.#parts, state);
  }

  get #parts(): MachineParts {
    const msrs = this.#pristine.map(({ msrIndices }) => msrIndices);
    return { vcpus: this.vcpus, msrs, irqchip: this.irqchip, clock: this.clock, devices: this.devices, bios: this.#bios, memory: this.#history };
  }

  /** Stops the vCPUs, frees everything. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.clock.close();
    this.irqchip?.close();
    for (const vcpu of this.vcpus) vcpu.close();
    // No reset: that may ask KVM for something, and what is asked may fail.
    for (const device of this.devices) device.close?.();
    closeMachine(this.#system, this.#vm, this.memory);
  }

  #requireOpen(): void {
    if (this.#closed) throw new Error('The machine is closed.');
  }
}
