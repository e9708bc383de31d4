/**
 * A `Machine` as a `DebugTarget`: registers, linear memory, breakpoints, monitor and run control joined into the
 * vocabulary that the protocol layer speaks.
 */
import { BreakpointSet, type Breakpoint } from '../breakpoints/breakpoint-set.js';
import type { DebugCapabilities } from '../breakpoints/capabilities.js';
import type { Mechanism } from '../breakpoints/planner.js';
import {
  TargetError, type BreakpointSupport, type DebugTarget, type Disposable, type LinearRegion, type MonitorSupport,
  type PhysicalMemoryMode, type ResumeAction, type StepOptions, type StopEvent, type ThreadId, type ThreadInfo,
} from '../target.js';
import type { Machine } from '../vmm/machine.js';
import { buildTargetDescription, type DescriptionVariant, type X86TargetDescription } from '../x86/target-description.js';
import { BreakSpace } from './break-space.js';
import { BreakpointArrival } from './breakpoint-arrival.js';
import { BreakpointRequests } from './breakpoint-requests.js';
import { Catching } from './catch/catching.js';
import { cpuFeatures } from './cpu-features.js';
import type { Cpu } from './cpu.js';
import { CpuView } from './cpu-view.js';
import type { DebugLog } from './debug-log.js';
import { breakpointStop, type JobStop } from './job.js';
import { JobMaker } from './job-maker.js';
import { runMonitorCommand } from './monitor/monitor.js';
import type { MonitorContext } from './monitor/command.js';
import { NonStop } from './non-stop.js';
import { RegisterAccess } from './register-access.js';
import { RunControl } from './run-control.js';
import { Snapshots } from './snapshots.js';
import { TargetMemory } from './target-memory.js';
import { threadInfo } from './thread-info.js';

export { MECHANISMS, type Mechanism } from '../breakpoints/planner.js';

const EBUSY = 16;

export interface MachineTargetOptions {
  /** Which register names gdb gets; the superset unless a script insists on one architecture. */
  readonly description?: DescriptionVariant;
  /** The probe's result; asked for once, when first needed. */
  readonly capabilities: () => DebugCapabilities;
  /** Shown by `monitor info version`. */
  readonly version?: string;
  /** Absolute path of a file with the guest's symbols. */
  readonly executable?: string;
  readonly log?: DebugLog;
  /** What may be used to make breakpoints stop; everything that the host has by default. */
  readonly mechanisms?: ReadonlySet<Mechanism>;
  /** The client typed `monitor quit`. */
  readonly onQuit?: () => void;
}

/** The target of one machine. Requests that cannot be carried out throw TargetError with one sentence and an errno. */
export class MachineTarget implements DebugTarget {
  readonly description: X86TargetDescription;
  readonly executable?: string;
  readonly breakpoints: BreakpointSupport;
  readonly monitor: MonitorSupport;
  readonly stepOptions: StepOptions = { noIrq: true, noTimer: true };
  readonly physicalMemory: PhysicalMemoryMode = { enabled: false };
  readonly nonStop: NonStop;
  lastStop: StopEvent = { thread: 1, reason: { kind: 'step' } };

  /** The logical breakpoints, for the library's face. */
  readonly wanted = new BreakpointSet();
  private readonly views: readonly CpuView[];
  private readonly registers: readonly RegisterAccess[];
  private readonly control: RunControl;
  private readonly jobs: JobMaker;
  private readonly arrival: BreakpointArrival;
  private readonly catching: Catching;
  private readonly breakSpace = new BreakSpace(this.wanted);
  private readonly snapshots: Snapshots;
  private readonly memory: TargetMemory;
  private readonly stopListeners = new Set<(stop: StopEvent) => void>();
  private readonly consoleListeners = new Set<(text: string) => void>();
  private probed: DebugCapabilities | undefined;

  constructor(
    readonly machine: Machine,
    private readonly options: MachineTargetOptions,
  ) {
    const features = cpuFeatures(machine.vcpus[0]);
    this.description = buildTargetDescription({ variant: options.description ?? 'superset', ...features });
    if (options.executable !== undefined) this.executable = options.executable;
    this.views = machine.vcpus.map((vcpu) => new CpuView(vcpu, machine, features.xsave));
    this.registers = this.views.map((view) => new RegisterAccess(view, this.description, features.xsave, machine));
    this.catching = new Catching(machine, this.views);
    this.jobs = new JobMaker({
      machine, views: this.views, breakpoints: this.wanted, capabilities: () => this.capabilities, stepOptions: this.stepOptions,
      arrive: this.arrive, catching: this.catching, say: (text) => this.say(text), log: options.log ?? {},
      ...(options.mechanisms !== undefined && { mechanisms: options.mechanisms }),
    });
    this.arrival = new BreakpointArrival({
      cpus: this.views.map((view, cpu) => ({ view, registers: this.registers[cpu] })),
      read: ({ memory }, address, length) => memory.peek(address, length),
      say: (text) => this.say(text),
    });
    this.control = new RunControl(machine, this.views, {
      catching: this.catching,
      makeJob: (action) => {
        this.registers[action.thread - 1]?.invalidate();
        return this.jobs.make(action);
      },
      onPlanted: () => this.jobs.planting.protect(),
      onEnter: (vcpu) => this.jobs.planting.enters(vcpu),
      onStop: (stop) => this.parked(stop),
      onReset: () => this.replaced(),
      onText: (text) => this.say(text),
    }, options.log);
    this.nonStop = new NonStop(this.control, {
      onStop: (stop) => this.stopped(stop), onFirst: () => machine.clock.resumed(), onLast: () => machine.clock.stopped(),
    });
    this.memory = new TargetMemory({
      memory: machine.memory, physical: this.physicalMemory, view: (thread) => this.readableCpu(thread).view,
      checkStanding: () => { if (this.control.running) throw new TargetError('The machine is running; interrupt it first', EBUSY); },
    });
    this.snapshots = new Snapshots(machine, {
      running: () => this.running,
      halted: () => this.control.cpus.map(({ halted }) => halted),
      where: () => this.views[this.current - 1].where,
      loaded: (halted) => {
        this.control.replaced(halted);
        this.replaced();
      },
    });
    machine.clock.stopped();
    this.breakpoints = new BreakpointRequests({
      wanted: this.wanted, breakSpace: this.breakSpace, catching: this.catching, jobs: this.jobs, views: this.views,
      current: () => this.current, isInGuest: () => this.control.running,
    });
    this.monitor = { execute: (command, write) => runMonitorCommand(command, this.monitorContext(), write) };
  }

  get running(): boolean {
    return this.nonStop.enabled ? this.nonStop.running : this.control.running;
  }

  /** What this host's KVM does, probed at the first call. */
  get capabilities(): DebugCapabilities {
    this.probed ??= this.options.capabilities();
    return this.probed;
  }

  threads(): readonly ThreadInfo[] {
    return this.control.cpus.map((cpu) => threadInfo(cpu, { isRunning: this.nonStop.isRunning(cpu.thread), inKernel: this.machine.localApic }));
  }

  /** Whose view counts where a request names no thread: the one that stopped last. */
  private get current(): ThreadId {
    return this.nonStop.standing(this.lastStop.thread, this.control.cpus.map(({ thread }) => thread));
  }

  readRegisters(thread: ThreadId): Uint8Array {
    return this.registersOf(thread).readAll();
  }

  writeRegisters(thread: ThreadId, bytes: Uint8Array): void {
    this.registersOf(thread).writeAll(bytes);
  }

  readRegister(thread: ThreadId, regnum: number): Uint8Array {
    return this.registersOf(thread).read(regnum);
  }

  writeRegister(thread: ThreadId, regnum: number, bytes: Uint8Array): void {
    this.registersOf(thread).write(regnum, bytes);
  }

  readMemory(thread: ThreadId, address: bigint, length: number): Uint8Array {
    return this.memory.read(thread, address, length);
  }

  writeMemory(thread: ThreadId, address: bigint, bytes: Uint8Array): void {
    this.memory.write(thread, address, bytes);
  }

  memoryRegion(thread: ThreadId, address: bigint): LinearRegion {
    return this.memory.region(thread, address);
  }

  resume(actions: readonly ResumeAction[]): void {
    // A client takes a breakpoint out for the step that leaves it.
    if (actions.every(({ kind }) => kind === 'continue')) this.breakSpace.resumed();
    if (this.nonStop.enabled) return this.nonStop.resume(actions);
    this.machine.clock.resumed();
    try {
      this.control.resume(actions);
    } finally {
      if (!this.running) this.machine.clock.stopped();
    }
  }

  interrupt(): void {
    if (this.nonStop.enabled) this.nonStop.interrupt();
    else this.control.interrupt();
  }

  onStop(listener: (stop: StopEvent) => void): Disposable {
    this.stopListeners.add(listener);
    return { dispose: () => this.stopListeners.delete(listener) };
  }

  onConsole(listener: (text: string) => void): Disposable {
    this.consoleListeners.add(listener);
    return { dispose: () => this.consoleListeners.delete(listener) };
  }

  reset(): void {
    if (this.running) throw new TargetError('The machine is running; interrupt it before a reset', EBUSY);
    this.machine.reset();
    this.control.replaced();
    this.machine.clock.stopped();
    this.lastStop = { thread: 1, reason: { kind: 'step' } };
    this.replaced();
  }

  /** Memory and registers are others now. */
  private replaced(): void {
    this.jobs.reset();
    this.registers.forEach((registers) => registers.invalidate());
  }

  kill(): void {
    this.control.abandon();
    this.nonStop.abandon();
    this.lastStop = { thread: 1, reason: { kind: 'killed' } };
    this.machine.close();
  }

  private parked(stop: StopEvent | undefined): void {
    this.registers.forEach((registers) => registers.invalidate());
    if (this.nonStop.enabled) return this.nonStop.parked(stop);
    this.machine.clock.stopped();
    if (stop !== undefined) this.stopped(stop);
  }

  private stopped(stop: StopEvent): void {
    this.lastStop = stop;
    this.catching.cpus[stop.thread - 1].told();
    for (const listener of this.stopListeners) listener(stop);
  }

  private say(text: string): void {
    for (const listener of this.consoleListeners) listener(text);
  }

  private readonly arrive = (reached: readonly Breakpoint[], view: CpuView): JobStop | undefined => {
    const cpu = view.vcpu.id;
    // Nothing is printed or counted twice. (Off what the stopped vCPU stands at, the client steps.)
    if (this.control.isParking) return breakpointStop(reached[0]);
    const here = reached.filter((breakpoint) => this.breakSpace.admits(breakpoint, view));
    const stop = this.arrival.arrive(here, cpu);
    return stop === undefined ? undefined : breakpointStop(stop.breakpoint, stop.text);
  };

  private monitorContext(): MonitorContext {
    return {
      machine: this.machine,
      views: this.views,
      current: this.current - 1,
      lastStop: this.lastStop,
      breakpoints: this.wanted,
      breakSpace: this.breakSpace,
      catching: this.catching,
      snapshots: this.snapshots,
      capabilities: () => this.capabilities,
      stepOptions: this.stepOptions,
      isHalted: (cpu) => this.control.cpus[cpu]?.halted === true,
      reset: () => this.reset(),
      quit: () => this.options.onQuit?.(),
      version: this.options.version ?? '(library)',
    };
  }

  /** One whose registers may be looked at and written. */
  private stoppedCpu(thread: ThreadId): Cpu {
    if (this.nonStop.enabled ? this.nonStop.isRunning(thread) : this.running) {
      throw new TargetError(`${this.nonStop.enabled ? `Thread ${thread}` : 'The machine'} is running; interrupt it first`, EBUSY);
    }
    return this.control.cpu(thread);
  }

  /** One whose page tables may be walked: it stands, or is held. */
  private readableCpu(thread: ThreadId): Cpu {
    return this.control.running ? this.stoppedCpu(thread) : this.control.cpu(thread);
  }

  private registersOf(thread: ThreadId): RegisterAccess {
    this.stoppedCpu(thread);
    return this.registers[thread - 1];
  }
}
