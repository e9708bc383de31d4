/**
 * A small BIOS in this program, for boot sectors without firmware: the guest's INT ends at a stub in segment F000 whose
 * OUT leaves KVM; the service is carried out here on the guest's registers and memory, and the stub's IRET goes back.
 * What is asked for and not there is a sentence and a set carry flag, never silence.
 */
import type { MemoryWrite } from '../boot/boot-options.js';
import { memoryMap, type MemoryMapEntry } from '../boot/memory-map.js';
import type { DeviceState, MachineEvent } from '../device.js';
import type { Exit } from '../exit.js';
import type { GuestMemory, MemoryRegion } from '../guest-memory.js';
import type { BlockImage } from '../storage/block-image.js';
import type { I8042 } from '../devices/i8042.js';
import type { VideoCard } from '../devices/vga/video-card.js';
import type { Vcpu } from '../vcpu.js';
import { BiosCall } from './bios-call.js';
import { biosImage, isFault, TRAP_LENGTH, TRAP_PORT, vectorAt } from './bios-rom.js';
import { DiskServices } from './disk-services.js';
import { KeyboardServices } from './keyboard-services.js';
import { SystemServices } from './system-services.js';
import { VideoServices } from './video-services.js';

const SERVICES = [0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x1a] as const;

export interface BiosOptions {
  readonly memory: GuestMemory;
  readonly ram: readonly MemoryRegion[];
  readonly video: VideoCard;
  readonly keyboard: I8042;
  /** There are interrupt controllers and a timer, so that the clock at 40:6C ticks. */
  readonly interrupts: boolean;
  /** Drives 80h, 81h, … */
  readonly disks: readonly BlockImage[];
  readonly raise: (event: MachineEvent) => void;
  /** Sentences for the person at the console. */
  readonly log: (sentence: string) => void;
  readonly now?: () => Date;
}

export class BiosServices {
  private readonly keyboard: KeyboardServices;
  private readonly video: VideoServices;
  private readonly disk: DiskServices;
  /** What INT 15h, AX=E820h answers. */
  readonly memoryMap: readonly MemoryMapEntry[];
  private readonly system: SystemServices;
  private readonly said = new Set<string>();

  constructor(private readonly options: BiosOptions) {
    const { memory, ram, disks, video, keyboard, interrupts, raise, now } = options;
    this.keyboard = new KeyboardServices(keyboard, raise);
    this.video = new VideoServices(memory, video);
    this.disk = new DiskServices(memory, disks);
    this.memoryMap = memoryMap(ram);
    this.system = new SystemServices(memory, this.memoryMap, interrupts, now ?? (() => new Date()));
  }

  /** What must be in memory when the guest starts. */
  get writes(): readonly MemoryWrite[] {
    return [...biosImage(SERVICES, this.options.disks.length, this.options.interrupts).writes, this.system.clock];
  }

  reset(): void {
    this.keyboard.reset();
    this.system.reset();
  }

  /** Keys that wait, a wait that goes on, and what was written to the disks. */
  save(): DeviceState {
    return { keys: this.keyboard.save(), wait: this.system.save(), disks: this.options.disks.map((image) => image.save()) };
  }

  restore(state: DeviceState): void {
    this.keyboard.restore(state['keys'] as readonly number[]);
    this.system.restore(state['wait'] as number | null);
    const disks = state['disks'] as readonly DeviceState[];
    this.options.disks.forEach((image, i) => image.restore(disks[i]));
  }

  /** Carries out a service when the exit is the OUT of one of the stubs; false when it is something else. */
  serve(vcpu: Vcpu, exit: Exit): boolean {
    if (exit.reason !== 'io' || exit.port !== TRAP_PORT || exit.direction !== 'out') return false;
    // Registers can be set only once the OUT is done; then the pc stands behind it.
    if (vcpu.complete() !== undefined) return true;
    const { cs } = vcpu.readSregs();
    const vector = vectorAt(cs.base + vcpu.regs.rip);
    if (vector === undefined) return false;
    this.call(new BiosCall(vcpu, this.options.memory, vector));
    return true;
  }

  private call(call: BiosCall): void {
    if (isFault(call.vector)) {
      this.sayOnce(call, 0, 'is a fault of the processor, and nobody handles it: the guest is halted');
      return;
    }
    const ax = call.word('ax');
    const done = this.dispatch(call);
    if (done === 'wait') {
      call.again(TRAP_LENGTH);
    } else if (!done) {
      call.setCarry(true);
      this.sayOnce(call, ax, 'is no service of the built-in BIOS; carry is set');
    }
  }

  private dispatch(call: BiosCall): boolean | 'wait' {
    switch (call.vector) {
      case 0x10: return this.video.serve(call);
      case 0x13: return this.disk.serve(call);
      case 0x16: return this.keyboard.serve(call);
      case 0x18:
        this.options.raise({ kind: 'power-off', status: 1, cause: 'INT 18h: nothing to boot from' });
        return true;
      default: return this.system.serve(call);
    }
  }

  private sayOnce(call: BiosCall, ax: number, what: string): void {
    const number = `INT ${call.vector.toString(16).padStart(2, '0')}h`;
    const name = isFault(call.vector) ? number : `${number} with AX=${ax.toString(16).padStart(4, '0')}h`;
    const key = `${call.vector} ${ax >> 8}`;
    if (this.said.has(key)) return;
    this.said.add(key);
    this.options.log(`${name}, called before ${call.caller}, ${what}.`);
  }
}
