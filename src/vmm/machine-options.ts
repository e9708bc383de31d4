/** What a machine is made of. */
import type { BootOptions } from './boot/boot-options.js';
import type { FirmwareImage } from './boot/firmware.js';
import type { CpuChoice } from './cpu-choice.js';
import type { CpuidPolicy } from './cpuid-table.js';
import type { SerialSink } from './devices/serial-16550a.js';
import type { ClockPolicy } from './guest-clock.js';
import type { IrqchipKind } from './irqchip/interrupt-controllers.js';
import type { BlockImage } from './storage/block-image.js';
import type { OpenDrive } from './storage/open-drives.js';

/** What to start: the file's bytes and how. */
export interface GuestSource extends Omit<BootOptions, 'ram' | 'rsdp'> {
  readonly bytes: Uint8Array;
}

export interface MachineOptions {
  /** RAM in bytes, 128 MiB by default. */
  readonly memory?: number;
  /** 1 by default; more need local APICs. */
  readonly cpus?: number;
  /**
   * `none` (default): HLT comes to user space, and nothing interrupts. `kernel`: PIC, IOAPIC, LAPIC, PIT in the kernel. `split`: LAPIC in
   * the kernel, the others here.
   */
  readonly irqchip?: 'none' | IrqchipKind;
  /** What becomes of the guest's time while a debugger has it stopped; `pause` by default. */
  readonly clock?: ClockPolicy;
  /** Absent: the vCPU stands at the reset vector in empty memory. */
  readonly guest?: GuestSource;
  /** A ROM that starts at the reset vector, on a board with the chipset it expects. Needs interrupt controllers, and no guest. */
  readonly firmware?: FirmwareImage;
  /** Drives 80h, 81h, … of a small BIOS in this program, whose services a guest in real mode has. Not with firmware. */
  readonly bios?: { readonly disks: readonly BlockImage[] };
  /** On the two IDE channels; the images are the caller's to close. */
  readonly drives?: readonly OpenDrive[];
  /** Where COM1 and the debug consoles write; nowhere by default. */
  readonly serial?: SerialSink;
  readonly debugConsole?: SerialSink;
  /** What is written to port 0x402; `null`: no such port, for firmware writes a great deal there. By default as `debugConsole`. */
  readonly firmwareConsole?: SerialSink | null;
  readonly cpuid?: CpuidPolicy;
  /** Which CPU features the guest sees; all that KVM offers by default. `base` brings the `plain` policy. */
  readonly cpu?: CpuChoice;
  /** Sentences for the person at the console. */
  readonly log?: (text: string) => void;
}
