/**
 * The interrupt controllers of a PC with only the local APICs in the kernel (KVM api.rst, KVM_CAP_SPLIT_IRQCHIP): two 8259s, an
 * IOAPIC and an 8254 of this program, whose every access is an exit that a debugger can see.
 */
import { IO_APIC, TIMER_PIN } from '../acpi/madt.js';
import type { DeviceState } from '../device.js';
import { I8254, PORT_B } from '../devices/i8254.js';
import { ELCR, I8259 } from '../devices/i8259.js';
import { Ioapic, IOAPIC_INPUTS, IOAPIC_SIZE } from '../devices/ioapic.js';
import type { GuestClock } from '../guest-clock.js';
import type { MmioBus } from '../mmio-bus.js';
import type { NativeVm } from '../native.js';
import type { PortBus } from '../port-bus.js';
import type { Vcpu } from '../vcpu.js';
import { kvmConstant } from '../vm-setup.js';
import { APIC, apicVectors } from '../../x86/local-apic.js';
import { ExternalInterrupt } from './external-interrupt.js';
import type { InterruptControllers, IrqchipView } from './interrupt-controllers.js';
import { IoapicRoutes } from './ioapic-routes.js';
import type { IrqchipState, SplitIrqchipState } from './irqchip-state.js';

const TIMER = 0, CASCADE = 2, ISA_INTERRUPTS = 16, PIC_INPUTS = 8;
/** Ports and, of what can be a level, the inputs. */
const MASTER = { command: 0x20, elcr: 0x4d0, levelInputs: 0xf8 }, SLAVE = { command: 0xa0, elcr: 0x4d1, levelInputs: 0xde };
const PIT = 0x40, PORT_61 = 0x61;

export interface SplitIrqchipWiring {
  readonly ports: PortBus;
  readonly mmio: MmioBus;
  /** The guest's time, once there is one. */
  readonly clock: () => Pick<GuestClock, 'now' | 'at'>;
}

export class SplitIrqchip implements InterruptControllers {
  readonly kind = 'split';
  readonly #vm: NativeVm;
  readonly #master: I8259;
  readonly #slave: I8259;
  readonly #ioapic: Ioapic;
  readonly #pit: I8254;
  readonly #toProcessor: ExternalInterrupt;
  #vcpus: readonly Vcpu[] = [];
  /** KVM may still tell an end of interrupt that was found out by `#settle`, or was one of a state before `restore`. */
  #mayRepeat = false;
  readonly #ports: PortBus;

  /** Adds them to a VM that has no vCPU yet. */
  constructor(vm: NativeVm, { ports, mmio, clock }: SplitIrqchipWiring) {
    this.#vm = vm;
    this.#ports = ports;
    vm.enableCap(kvmConstant('KVM_CAP_SPLIT_IRQCHIP'), IOAPIC_INPUTS);
    this.#toProcessor = new ExternalInterrupt({ output: () => this.#master.output, acknowledge: () => this.#acknowledge() });
    const routes = new IoapicRoutes(vm);
    this.#master = new I8259('interrupt controller (8259A, master)', {
      levelInputs: MASTER.levelInputs, cascade: CASCADE, changed: () => this.#masterChanged(),
    });
    this.#slave = new I8259('interrupt controller (8259A, slave)', {
      levelInputs: SLAVE.levelInputs, changed: () => this.#master.setInput(CASCADE, this.#slave.output),
    });
    this.#ioapic = new Ioapic({
      address: BigInt(IO_APIC), send: ({ address, data }) => { this.signalMsi(address, data); },
      changed: () => {
        routes.set(this.#ioapic.levels);
        this.#pit.taken();
      },
    });
    this.#pit = new I8254({
      now: () => clock().now(), at: (time, work) => clock().at(time, work),
      setIrq: (level) => this.setLine(TIMER, level), isTaken: () => this.#isTimerTaken,
      isIdle: () => this.#ioapic.isMasked(TIMER_PIN) && this.#master.isIdle(TIMER),
    });
    for (const [pic, { command, elcr }] of [[this.#master, MASTER], [this.#slave, SLAVE]] as const) {
      ports.claim(pic, command, 2);
      ports.claim(pic, elcr, 1, ELCR);
    }
    ports.claim(this.#pit, PIT, 4);
    ports.claim(this.#pit, PORT_61, 1, PORT_B);
    mmio.claim(this.#ioapic, BigInt(IO_APIC), IOAPIC_SIZE);
  }

  attach(vcpus: readonly Vcpu[]): void {
    this.#vcpus = vcpus;
    this.#toProcessor.attach(vcpus[0]);
  }

  setLine(gsi: number, level: boolean): void {
    if (gsi < PIC_INPUTS && gsi !== CASCADE) this.#master.setInput(gsi, level);
    else if (gsi >= PIC_INPUTS && gsi < ISA_INTERRUPTS) this.#slave.setInput(gsi - PIC_INPUTS, level);
    if (gsi === TIMER) this.#ioapic.setInput(TIMER_PIN, level);
    else if (gsi !== TIMER_PIN) this.#ioapic.setInput(gsi, level);
  }

  signalMsi(address: bigint, data: number): boolean {
    return this.#vm.signalMsi(address, data);
  }

  endOfInterrupt(vector: number, vcpu: Vcpu): void {
    if (this.#mayRepeat && apicVectors(vcpu.native.getLapic(), APIC.inService).includes(vector)) return;
    this.#ioapic.endOfInterrupt(vector);
  }

  /** A processor that was stopped may have ended an interrupt that KVM has not told yet: no local APIC has it any more. */
  #settle(): void {
    const { awaited } = this.#ioapic;
    if (awaited.length === 0) return;
    this.#mayRepeat = true;
    const pages = this.#vcpus.map(({ native }) => native.getLapic());
    const isHeld = (vector: number): boolean => pages.some((page) => [APIC.inService, APIC.request].some((at) => apicVectors(page, at).includes(vector)));
    for (const vector of awaited) if (!isHeld(vector)) this.#ioapic.endOfInterrupt(vector);
  }

  #masterChanged(): void {
    this.#toProcessor.changed();
    this.#pit.taken();
  }

  /** A guest that lets the timer through the IOAPIC may leave the 8259, which has it too, as it found it: that one will never be ready. */
  get #isTimerTaken(): boolean {
    return !this.#ioapic.isMasked(TIMER_PIN) || !this.#master.isPending(TIMER);
  }

  #acknowledge(): number {
    const { input, vector } = this.#master.acknowledge();
    if (input !== CASCADE) return vector;
    const fromSlave = this.#slave.acknowledge().vector;
    // Its output falls with every acknowledge, and rises again where more is requested.
    this.#master.setInput(CASCADE, false);
    this.#master.setInput(CASCADE, this.#slave.output);
    return fromSlave;
  }

  unacknowledge(vector: number): boolean {
    if (this.#slave.unacknowledge(vector)) this.#master.unacknowledge(this.#master.view.base + CASCADE);
    else if (!this.#master.unacknowledge(vector)) return false;
    this.#toProcessor.givenBack();
    return true;
  }

  reset(byBios = false): void {
    this.#toProcessor.replace(undefined);
    for (const device of this.#devices) device.reset();
    if (byBios) this.#programAsBios();
  }

  /** As IBM's BIOS does (IBM PC AT Technical Reference, "BIOS listing"): vectors 08h and 70h, timer, keyboard and cascade let through, 18.2 Hz. */
  #programAsBios(): void {
    const write = (port: number, ...values: readonly number[]): void => { for (const value of values) this.#ports.write(port, 1, value); };
    for (const [{ command }, base, cascade, mask] of [[MASTER, 0x08, 1 << CASCADE, 0xf8], [SLAVE, 0x70, CASCADE, 0xff]] as const) {
      write(command, 0x11);
      write(command + 1, base, cascade, 0x01, mask);
    }
    write(PIT + 3, 0x36);
    write(PIT, 0, 0);
  }

  view(): IrqchipView {
    return { pics: [this.#master.view, this.#slave.view], ioapic: this.#ioapic.view, pit: this.#pit.counters.map(({ view }) => view) };
  }

  save(): SplitIrqchipState {
    this.#settle();
    return { devices: this.#devices.map((device): DeviceState => device.save()), vector: this.#toProcessor.undelivered };
  }

  restore(state: IrqchipState): void {
    if (!('devices' in state)) throw new TypeError('This is not the state of a split irqchip.');
    this.#mayRepeat = true;
    this.#toProcessor.replace(state.vector);
    this.#devices.forEach((device, i) => device.restore(state.devices[i]));
  }

  close(): void {
    this.#pit.close();
  }

  /** The slave before the master, whose input it drives. */
  get #devices(): readonly [I8259, I8259, Ioapic, I8254] {
    return [this.#slave, this.#master, this.#ioapic, this.#pit];
  }
}
