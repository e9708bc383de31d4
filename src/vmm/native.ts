/**
 * The whole boundary to the C++ binding, typed. The only file that loads the binary.
 *
 * Rules of the boundary:
 * - Struct layouts and numbers come from the kernel's headers: `layout` and `constants` are made in C++ with
 *   offsetof, sizeof and the macros themselves.
 * - Every call checks its state and throws an Error that carries `code` (errno name), `errno`, `operation`
 *   (the ioctl or system call) and one sentence as `message`: `vcpu 0 is running`, `vm is closed`.
 * - `close` is idempotent and closes children first (kick, join, unmap, close).
 */
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import loadBinding from 'node-gyp-build';

/** An error of the binding. */
export interface NativeError extends Error {
  /** errno's name (`EACCES`), or `ERR_STATE` for a call in a wrong state, `ERR_ARGUMENT` for a bad argument. */
  readonly code: string;
  readonly errno: number;
  /** `KVM_CREATE_VM`, `open`, `mmap`, … */
  readonly operation: string;
}

/** Offset and size in bytes of a struct's fields, from the C++ compiler. */
export interface StructLayout {
  readonly size: number;
  readonly fields: Readonly<Record<string, { readonly offset: number; readonly size: number }>>;
}

/** Names: kvm_regs, kvm_sregs, kvm_segment, kvm_dtable, kvm_run, kvm_debugregs, kvm_vcpu_events, kvm_guest_debug,
 * kvm_cpuid_entry2, kvm_msr_entry, …, and our own `exit_record` and `run_plan`. */
export type Layout = Readonly<Record<string, StructLayout>>;

/** Guest memory: one anonymous private mapping (MAP_NORESERVE), zeroed. */
export interface NativeMemory {
  readonly size: number;
  /** The mapping itself; detached (length 0) by close. Size is a multiple of 4096 and at most 2 GiB. */
  readonly buffer: ArrayBuffer;
  /** Where the mapping is in this process; 0 after close. */
  readonly hostAddress: bigint;
  /** Bytes of the mapping that are resident in the host (mincore). */
  resident(): number;
  /** Gives the pages back to the host; they read as zero again (MADV_DONTNEED). */
  discard(): void;
  /** Throws while a memory slot uses it. */
  close(): void;
}

export interface NativeSystem {
  readonly apiVersion: number;
  checkExtension(capability: number): number;
  /** `struct kvm_cpuid_entry2[]`, as bytes (KVM_GET_SUPPORTED_CPUID). */
  getSupportedCpuid(): Uint8Array;
  /** KVM_GET_MSR_INDEX_LIST. */
  getMsrIndexList(): Uint32Array;
  /** KVM_GET_MSR_FEATURE_INDEX_LIST. */
  getMsrFeatureIndexList(): Uint32Array;
  createVm(): NativeVm;
  close(): void;
}

export interface NativeVm {
  checkExtension(capability: number): number;
  enableCap(capability: number, ...args: number[]): void;
  setTssAddr(address: number): void;
  setIdentityMapAddr(address: bigint): void;
  createIrqchip(): void;
  createPit2(flags: number): void;
  /** chip: 0 PIC master, 1 PIC slave, 2 IOAPIC; `struct kvm_irqchip` as bytes. */
  getIrqchip(chip: number): Uint8Array;
  setIrqchip(chip: Uint8Array): void;
  getPit2(): Uint8Array;
  setPit2(state: Uint8Array): void;
  getClock(): Uint8Array;
  setClock(state: Uint8Array): void;
  irqLine(irq: number, level: boolean): void;
  /** `struct kvm_irq_routing_entry[]`: what each GSI is wired to, instead of all that was set before (KVM_SET_GSI_ROUTING). */
  setGsiRouting(entries: Uint8Array): void;
  /** KVM_SIGNAL_MSI; false where the guest has blocked it. */
  signalMsi(address: bigint, data: number): boolean;
  /** KVM_X86_SET_MSR_FILTER: the guest may access all MSRs but these, each a range of its own; none lifts the filter. */
  setMsrFilter(indices: Uint32Array): void;
  createVcpu(id: number): NativeVcpu;
  /** Adds or moves a slot; `flags`: KVM_MEM_READONLY, KVM_MEM_LOG_DIRTY_PAGES. Bounds are checked against the memory. */
  setMemorySlot(slot: number, flags: number, address: bigint, memory: NativeMemory, offset: number, size: number): void;
  removeMemorySlot(slot: number): void;
  /** One bit per 4 KiB page; clears the log (KVM_GET_DIRTY_LOG). */
  getDirtyLog(slot: number): Uint8Array;
  close(): void;
}

export interface NativeVcpu {
  readonly id: number;
  readonly running: boolean;
  /** `struct ExitRecord` (layout.exit_record): written by the vCPU's thread when a run ends, and by us before one. */
  readonly record: ArrayBuffer;
  /** `struct RunPlan` (layout.run_plan): what `run` carries out. */
  readonly plan: ArrayBuffer;
  /** Called on the JavaScript thread when a run ends that `run` did not wait for. */
  setExitListener(listener: () => void): void;
  /**
   * Hands the plan to the vCPU's own thread and waits at most `waitMicroseconds` for its end. True: it has ended and
   * `record` is valid. False (always with 0): it goes on, and the exit listener will be called once.
   */
  run(waitMicroseconds: number): boolean;
  /** Waits once more for a run that `run` returned false for. True: it has ended, and the exit listener is not called. */
  wait(waitMicroseconds: number): boolean;
  /**
   * Makes one run end with outcome `kicked`: the one under way, or else the next, before its first instruction. Used up by
   * exactly that outcome: a run that ends for another reason at the same moment leaves the kick to the next run. Two
   * kicks before that are one.
   */
  kick(): void;
  /** Completes a pending I/O, MMIO or MSR exit without executing another instruction (immediate_exit), and refreshes
   * `record`. False if a further fragment is pending: serve it and call again. */
  complete(): boolean;
  getRegs(): Uint8Array;
  setRegs(regs: Uint8Array): void;
  getSregs(): Uint8Array;
  setSregs(sregs: Uint8Array): void;
  getSregs2(): Uint8Array;
  setSregs2(sregs: Uint8Array): void;
  /** `struct kvm_xsave`, as long as KVM_CAP_XSAVE2 says. */
  getXsave(): Uint8Array;
  setXsave(xsave: Uint8Array): void;
  getXcrs(): Uint8Array;
  setXcrs(xcrs: Uint8Array): void;
  getDebugregs(): Uint8Array;
  setDebugregs(debugregs: Uint8Array): void;
  /** Values in order; throws ERR_ARGUMENT naming the first index KVM refuses. */
  getMsrs(indices: Uint32Array): BigUint64Array;
  setMsrs(indices: Uint32Array, values: BigUint64Array): void;
  getVcpuEvents(): Uint8Array;
  setVcpuEvents(events: Uint8Array): void;
  getMpState(): number;
  setMpState(state: number): void;
  getLapic(): Uint8Array;
  setLapic(lapic: Uint8Array): void;
  getCpuid2(): Uint8Array;
  setCpuid2(entries: Uint8Array): void;
  /** KVM_SET_GUEST_DEBUG; a run plan does this itself. */
  setGuestDebug(guestDebug: Uint8Array): void;
  /** KVM_TRANSLATE: sets Accessed bits in the guest's page tables; for tests. */
  translate(linear: bigint): { physical: bigint; valid: boolean };
  interrupt(vector: number): void;
  nmi(): void;
  getTscKhz(): number;
  /** Whether KVM has KVM_VCPU_TSC_OFFSET (Linux 5.16 and newer). */
  hasTscOffset(): boolean;
  /** What KVM adds to the scaled host TSC, modulo 2^64. */
  getTscOffset(): bigint;
  setTscOffset(offset: bigint): void;
  /** `struct kvm_nested_state` and what follows it; empty where the host has no nested virtualization. */
  getNestedState(): Uint8Array;
  setNestedState(state: Uint8Array): void;
  /** KVM_KVMCLOCK_CTRL: tells the guest that it was stopped; false where it has no kvmclock. */
  kvmclockStopped(): boolean;
  close(): void;
}

export interface NativeBinding {
  /** Every KVM_* number that TypeScript uses, from the headers. */
  readonly constants: Readonly<Record<string, number>>;
  readonly layout: Layout;
  openSystem(path?: string): NativeSystem;
  allocateMemory(size: number): NativeMemory;
  /** The sentence for an errno of an ioctl or system call, as in the message of a NativeError. */
  describeError(operation: string, errno: number): string;
  /** A pseudo-terminal: the master's descriptor (non-blocking, the caller's to close) and the path of its other side, raw. */
  openPty(): { readonly master: number; readonly path: string };
  /** sched_yield(2): lets the threads run that wait for this CPU. */
  yieldCpu(): void;
  /** Objects that hold a file descriptor, a mapping or a thread right now, for leak tests. */
  liveObjects(): { systems: number; vms: number; vcpus: number; memories: number };
}

/** The package's folder, where build/ and prebuilds/ are: the nearest one above this file that has a package.json. */
function packageFolder(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json')) || folder === dirname(folder)) return folder;
  }
}

function load(): NativeBinding {
  const { platform, arch } = process;
  if (platform !== 'linux' || arch !== 'x64') {
    throw new Error(`Guests run on the KVM of Linux on x86-64; this is ${platform} on ${arch}.`);
  }
  const override = process.env['KVM_GDBSERVER_BINDING'];
  if (override !== undefined) return createRequire(import.meta.url)(override) as NativeBinding;
  try {
    return loadBinding(packageFolder()) as NativeBinding;
  } catch (error) {
    const [reason] = (error as Error).message.split('\n');
    throw new Error(`The native binding cannot be loaded (${reason}); build it with: npm rebuild kvm-gdbserver, ` +
      'or in a clone: npm run build', { cause: error });
  }
}

let loaded: NativeBinding | undefined;

/** The binding, loaded at the first call. Throws one sentence where it cannot be: another system, or nothing that was built. */
export function native(): NativeBinding {
  loaded ??= load();
  return loaded;
}
