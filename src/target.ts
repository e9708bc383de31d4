/**
 * The vocabulary in the middle: what a debugger may ask of a machine.
 *
 * `rsp` speaks gdb's protocol to a `DebugTarget` and never sees KVM; `debugger` implements one on top of
 * `vmm` and `breakpoints` and never sees a packet. Optional members are capabilities: where one is absent,
 * the packets that need it get the empty reply and `qSupported` does not name them.
 *
 * Addresses are linear (CS.base + IP for the pc) unless a name says otherwise. This file imports nothing.
 */

/** A vCPU as gdb knows it: 1..N in vCPU order, stable for the life of the target. */
export type ThreadId = number;

export interface ThreadInfo {
  readonly id: ThreadId;
  /** `cpu0`, `cpu1`, … */
  readonly name: string;
  /** What gdb prints in brackets: `halted`, `running`, `waiting for SIPI`, with the CPU mode. */
  readonly state: string;
  /** False: an application processor that no other has started yet. */
  readonly isStarted?: boolean;
}

/** One register of the description, at a fixed place in the `g` packet. */
export interface RegisterInfo {
  readonly name: string;
  /** gdb's register number: the index in `TargetDescription.registers`. */
  readonly regnum: number;
  /** Offset in the `g` block in bytes. */
  readonly offset: number;
  /** Size in bytes. */
  readonly size: number;
}

/** Registers in `g` order and the XML that tells gdb about them (gdb manual, "Target Description Format"). */
export interface TargetDescription {
  readonly xml: string;
  readonly registers: readonly RegisterInfo[];
  /** Length of the `g` block in bytes. */
  readonly size: number;
  /** Register numbers that every stop reply carries. */
  readonly expedited: readonly number[];
  /** Register number of the program counter (linear). */
  readonly pc: number;
}

/** What one thread is to do at the next resume. A thread without an action stays where it is. */
export type ResumeAction =
  | { readonly kind: 'continue'; readonly thread: ThreadId }
  | { readonly kind: 'step'; readonly thread: ThreadId }
  /** Step while `start <= pc < end` (`vCont;r`). */
  | { readonly kind: 'range-step'; readonly thread: ThreadId; readonly start: bigint; readonly end: bigint };

/** gdb's Z0..Z4, in order. */
export type BreakpointKind = 'software' | 'hardware' | 'write' | 'read' | 'access';

export type StopReason =
  /** A step, range step or internal stop ended: SIGTRAP without a reason. */
  | { readonly kind: 'step' }
  /** The debugger asked for the stop: SIGINT. */
  | { readonly kind: 'interrupt' }
  /** Non-stop: the debugger asked for the stop of this thread: no signal. */
  | { readonly kind: 'requested' }
  /** `address` is the Z packet's; the pc that gdb will read equals it. */
  | { readonly kind: 'breakpoint'; readonly breakpoint: 'software' | 'hardware'; readonly address: bigint }
  | { readonly kind: 'watchpoint'; readonly watch: 'write' | 'read' | 'access'; readonly address: bigint }
  /** The machine cannot go on from here (triple fault, failed entry, emulation failure); its registers can be read. */
  | { readonly kind: 'fault'; readonly signal: FaultSignal }
  /** The guest ended by itself (power-off, debug exit) with an exit status 0..255. */
  | { readonly kind: 'exited'; readonly status: number }
  /** The machine was killed. */
  | { readonly kind: 'killed' };

export type FaultSignal = 'SIGSEGV' | 'SIGABRT' | 'SIGILL' | 'SIGBUS' | 'SIGTRAP';

export interface StopEvent {
  readonly thread: ThreadId;
  readonly reason: StopReason;
  /** One sentence for the person at the console, shown before the stop. */
  readonly text?: string;
}

export interface Disposable {
  dispose(): void;
}

/**
 * A request that cannot be carried out. `message` is one plain sentence; `errno` is what an `Exx` reply carries
 * (gdb manual, "Standard Replies"): 14 EFAULT for memory that is not there, 22 EINVAL for a bad argument,
 * 16 EBUSY while the guest runs.
 */
export class TargetError extends Error {
  override readonly name = 'TargetError';
  constructor(message: string, readonly errno: number = 22) {
    super(message);
  }
}

export interface BreakpointRequest {
  readonly kind: BreakpointKind;
  readonly address: bigint;
  /** Length in bytes for watchpoints; gdb's kind (1 on x86) for breakpoints. */
  readonly length: number;
  /**
   * Bytecode of agent expressions (gdb manual, appendix "The GDB Agent Expression Mechanism"): the guest stops only if
   * one of them is not 0. Absent or empty: it always stops. One that cannot be evaluated stops it too, and says why.
   */
  readonly conditions?: readonly Uint8Array[];
  /**
   * Bytecode that is run, in order, when a condition holds. A breakpoint with commands never stops the guest: a condition
   * that cannot be evaluated, and a command that fails, say so on the console, and no (further) command is run.
   */
  readonly commands?: readonly Uint8Array[];
  /** The client would have the commands go on when it has gone. Text has nowhere to go then, so they end with it here. */
  readonly persistCommands?: boolean;
}

export interface BreakpointSupport {
  /** The kinds this target offers; others get the empty reply. */
  readonly kinds: ReadonlySet<BreakpointKind>;
  /** Conditions and commands are carried out here, without asking the client; text goes to `onConsole`. */
  readonly agentExpressions?: true;
  /**
   * Idempotent (gdb manual, "Packets": Z): of a breakpoint that is there, conditions and commands are replaced. Throws
   * TargetError when it could not be made to stop, or for bytecode that is not valid; then nothing has changed.
   */
  insert(request: BreakpointRequest): void;
  /** Idempotent; removing what is not there is no error. */
  remove(request: BreakpointRequest): void;
  /** Forgets all of them: a new client finds a clean guest. */
  clear(): void;
}

export interface ReverseSupport {
  reverse(thread: ThreadId, kind: 'continue' | 'step'): void;
}

export interface MonitorSupport {
  /**
   * Runs one `monitor` command. `write` may be called any number of times with text for gdb's console.
   * A wrong command is text, not an exception. Throws TargetError only when the target is gone.
   */
  execute(command: string, write: (text: string) => void): void;
}

/** A run of linear addresses that are alike: mapped with the same rights to the same kind of memory, or not mapped. */
export interface LinearRegion {
  readonly start: bigint;
  /** In bytes; the run ends at 2^64 at the latest, and may go on in the next region where it is very long. */
  readonly size: bigint;
  /** What the guest may do there besides reading; absent where nothing is mapped. */
  readonly access?: { readonly writable: boolean; readonly executable: boolean };
  /** `RAM`, `ROM, user mode`, ...; empty where nothing is mapped. */
  readonly name: string;
}

/** QEMU's `qqemu.sstep` bits: what a single step holds back. */
export interface StepOptions {
  /** Bit 2 of sstep: no interrupts are delivered during a step. */
  noIrq: boolean;
  /** Bit 4 of sstep: timers do not run during a step. */
  noTimer: boolean;
}

/** QEMU's `qqemu.PhyMemMode`: `m`/`M` take guest-physical addresses while `enabled`. */
export interface PhysicalMemoryMode {
  enabled: boolean;
}

/**
 * Threads that stop one by one (gdb manual, "Remote Non-Stop"). While `enabled`, `resume` lets further threads go and leaves those
 * that run alone, each thread's stop is an event of its own, and `running` says that some thread runs.
 */
export interface NonStopSupport {
  /** Throws TargetError (EBUSY) when it is set while a thread runs. */
  enabled: boolean;
  isRunning(thread: ThreadId): boolean;
  /** Stops those of the threads that run: an event each, soon. */
  stop(threads: readonly ThreadId[], reason: 'requested' | 'interrupt'): void;
  /**
   * Calls `then`, at once or soon, while no vCPU is in the guest and its memory is as it made it. What ran goes on afterwards;
   * the client learns nothing of it. Within `then` all of the target may be used as if it stood.
   */
  hold(then: () => void): void;
}

export interface DebugTarget {
  readonly description: TargetDescription;
  threads(): readonly ThreadInfo[];
  /** True between a resume and the stop that answers it. */
  readonly running: boolean;
  /** Why the target stands: what `?` reports. */
  readonly lastStop: StopEvent;
  /** The whole `g` block. The array belongs to the target and is valid until the next call. */
  readRegisters(thread: ThreadId): Uint8Array;
  /** A whole `G` block; registers that hardware does not let change keep their value. */
  writeRegisters(thread: ThreadId, bytes: Uint8Array): void;
  /** One register's bytes, valid until the next call. */
  readRegister(thread: ThreadId, regnum: number): Uint8Array;
  /** Throws TargetError with the reason when the value is not one the processor accepts. */
  writeRegister(thread: ThreadId, regnum: number, bytes: Uint8Array): void;
  /**
   * Linear address as `thread` sees it; comes back short where the readable bytes end, empty if none is. The array can be
   * guest memory itself: it is not to be written, and what it holds is true until the next call.
   */
  readMemory(thread: ThreadId, address: bigint, length: number): Uint8Array;
  /** Writes all or throws TargetError (EFAULT) having written nothing. */
  writeMemory(thread: ThreadId, address: bigint, bytes: Uint8Array): void;
  /** What lies around a linear address as `thread` sees it. */
  memoryRegion?(thread: ThreadId, address: bigint): LinearRegion;
  /** Returns at once; the stop may be reported before it returns. */
  resume(actions: readonly ResumeAction[]): void;
  /** Asks for a stop of all; reported as `interrupt`, once, unless something else stopped the machine first. */
  interrupt(): void;
  onStop(listener: (stop: StopEvent) => void): Disposable;
  /** Text for gdb's console (`O` packets) that is not part of a monitor reply. */
  onConsole(listener: (text: string) => void): Disposable;
  /** Back to the state before the first instruction (`R`, `vRun`); breakpoints stay. */
  reset(): void;
  /** Ends the machine for good. */
  kill(): void;
  /** Absolute path of a file with the guest's symbols, for `qXfer:exec-file`. */
  readonly executable?: string;
  readonly breakpoints?: BreakpointSupport;
  readonly nonStop?: NonStopSupport;
  readonly reverse?: ReverseSupport;
  readonly monitor?: MonitorSupport;
  readonly stepOptions?: StepOptions;
  readonly physicalMemory?: PhysicalMemoryMode;
}
