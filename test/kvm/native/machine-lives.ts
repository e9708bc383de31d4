/**
 * Lives of machines in which every call to KVM is made to fail once, for fault-injection.test.ts. Run as a program by it:
 * `machine-lives.js LIFE SHARED-FILE ERRNOS-PER-CALL`, with test/native/fail-kvm-call.c preloaded; with no errnos per call only the
 * first call of each sort fails. Prints one line of JSON per failure.
 */
import { closeSync, openSync, readdirSync, readSync, writeSync } from 'node:fs';
import { constants as os } from 'node:os';
import { pathToFileURL } from 'node:url';
import { probeThisHost } from '../../../src/debugger/probe-machine.js';
import { checkHost } from '../../../src/vmm/host/host-check.js';
import { readHostFacts } from '../../../src/vmm/host/host-facts.js';
import type { Exit } from '../../../src/vmm/exit.js';
import { Machine } from '../../../src/vmm/machine.js';
import { native, type NativeError } from '../../../src/vmm/native.js';
import type { Vcpu } from '../../../src/vmm/vcpu.js';
import { CONTINUE, STEP } from './real-mode-guest.js';

/** inc ax; out 80, al; in al, 80; hlt. */
const CODE = Uint8Array.of(0x40, 0xe6, 0x80, 0xe4, 0x80, 0xf4);
/** Where a message goes to the local APIC of processor 0 (SDM vol. 3, 11.11.1), and one that it takes. */
const LOCAL_APIC = 0xfee0_0000n, VECTOR = 0x41;
const ERRNOS = ['ENOMEM', 'EINVAL', 'EBUSY', 'EFAULT'] as const;
/** Which call fails is found by trying; more than this is an endless life. */
const MOST_CALLS = 5000;
/** The words of the shared file, as test/native/fail-kvm-call.c has them: those to and fro, then the calls that were made. */
const WORDS = 7;
const MOST_LOGGED = 8192;
export const SHARED_BYTES = 4 * (WORDS + MOST_LOGGED);
/** A call that is not reached: nothing fails. */
const NEVER = 0xffff_ffff;
const KINDS = ['none', 'ioctl', 'mmap', 'open', 'timer', 'thread', 'madvise'] as const;

/** One injected failure and what came of it. */
export interface Injection {
  /** Which call of the life failed, from 1. */
  readonly call: number;
  readonly errno: (typeof ERRNOS)[number];
  readonly kind: (typeof KINDS)[number];
  /** The ioctl's number, if it was one. */
  readonly request: number;
  /** What the life came to, where that is not what it comes to without a failure. */
  readonly changed?: string;
  /** What the caller was told; absent when the life went on to its end. */
  readonly error?: { readonly message: string; readonly errno?: number; readonly operation?: string };
  /** What was still there after close: file descriptors and live objects of the binding more than before. */
  readonly left: { readonly files: number; readonly objects: number };
}

function served(machine: Machine, vcpu: Vcpu, exit: Exit): Exit {
  if (exit.reason === 'run-error') throw Object.assign(new Error(exit.message), { errno: exit.errno, operation: 'KVM_RUN' });
  machine.serve(vcpu, exit);
  return exit;
}

function runToHalt(machine: Machine, vcpu: Vcpu): void {
  for (let exit = served(machine, vcpu, vcpu.runToExit(CONTINUE)); exit.reason === 'io'; ) {
    exit = served(machine, vcpu, vcpu.runToExit({ ...CONTINUE, fresh: false }));
  }
}

/** Everything that a debugger asks a vCPU for, read and written back. */
function passThroughState(vcpu: Vcpu): void {
  const { native: state } = vcpu;
  vcpu.writeSregs({ cr2: 0x1000n });
  const { regs, sregs } = vcpu.copyRegisters();
  vcpu.restoreRegisters(regs, sregs);
  state.getRegs();
  state.setSregs(state.getSregs());
  vcpu.xsave = vcpu.xsave.slice();
  const { xcr0, mpState } = vcpu;
  vcpu.xcr0 = xcr0;
  vcpu.mergeDr6(1n);
  state.setVcpuEvents(state.getVcpuEvents());
  vcpu.mpState = mpState;
  state.setMsrs(Uint32Array.of(0x174), state.getMsrs(Uint32Array.of(0x174)));
  state.getCpuid2();
  state.getTscKhz();
  state.translate(0n);
  vcpu.regs.rbx = 7n;
}

/** Returns what the guest computed. */
function machineLife(irqchip: 'none' | 'kernel', cpus: number): string {
  const machine = Machine.create({ memory: 1024 ** 2, irqchip, cpus, guest: { name: 'guest', bytes: CODE, boot: 'flat' } });
  try {
    const [vcpu] = machine.vcpus;
    for (let i = 0; i < 3; i++) served(machine, vcpu, vcpu.runToExit(STEP));
    while (vcpu.completionPending) vcpu.complete();
    passThroughState(vcpu);
    // With the kernel's interrupt controller HLT waits in the kernel.
    if (irqchip === 'none') {
      runToHalt(machine, vcpu);
      vcpu.native.interrupt(0x20);
    }
    vcpu.native.nmi();
    machine.memory.hostResident();
    machine.reset();
    served(machine, vcpu, vcpu.runToExit(STEP));
    return `rax ${vcpu.regs.rax}, rip ${vcpu.regs.rip}, ${JSON.stringify([...machine.counters.exits])}`;
  } finally {
    machine.close();
  }
}

/** A machine that is kept and put back, with interrupts that come and MSRs that are reported. Returns what the guest computed. */
function snapshotLife(irqchip: 'kernel' | 'split'): string {
  const machine = Machine.create({ memory: 1024 ** 2, irqchip, cpus: 2, guest: { name: 'guest', bytes: CODE, boot: 'flat' } });
  try {
    const [vcpu] = machine.vcpus;
    const state = machine.save();
    machine.clock.resumed();
    served(machine, vcpu, vcpu.runToExit(STEP));
    machine.reportMsrs([0x174]);
    machine.reportMsrs([]);
    for (const level of [true, false]) machine.irqchip?.setLine(3, level);
    machine.irqchip?.signalMsi(LOCAL_APIC, VECTOR);
    machine.restore(state);
    machine.clock.resumed();
    served(machine, vcpu, vcpu.runToExit(STEP));
    return `rax ${vcpu.regs.rax}, rip ${vcpu.regs.rip}`;
  } finally {
    machine.close();
  }
}

/** What no machine asks for. */
function hostLists(): string {
  const system = native().openSystem();
  try {
    return `${system.getMsrFeatureIndexList().length} features`;
  } finally {
    system.close();
  }
}

/** Each returns what it came to, the same every time. */
export const LIVES: Readonly<Record<string, () => string>> = {
  probe: () => JSON.stringify(probeThisHost()),
  /** Throws nothing: a host on which a call fails is explained. */
  check: () => JSON.stringify(checkHost(readHostFacts)),
  machine: () => machineLife('none', 1),
  'machine with kernel irqchip': () => machineLife('kernel', 2),
  'snapshots with kernel irqchip': () => snapshotLife('kernel'),
  'snapshots with split irqchip': () => snapshotLife('split'),
  'lists of the host': hostLists,
};

const openFiles = (): number => readdirSync('/proc/self/fd').length;
const liveObjects = (): number => Object.values(native().liveObjects()).reduce((sum, count) => sum + count, 0);

/** The words that the preloaded library has in common with this process. */
class SharedWords {
  readonly #file: number;
  constructor(path: string) {
    this.#file = openSync(path, 'r+');
  }

  /** From now on the call with this number, counted from 1, fails; with `only` the calls of that sort are counted. */
  arm(call: number, errno: number, only = 0): void {
    this.#put([call, errno, 0, 0, 0, process.pid, only]);
  }

  /** What has failed since `arm`, and the calls that were made. */
  disarm(): { kind: number; request: number; calls: Uint32Array } {
    const words = new Uint32Array(WORDS + MOST_LOGGED);
    readSync(this.#file, new Uint8Array(words.buffer), 0, words.byteLength, 0);
    this.#put(Array<number>(WORDS).fill(0));
    const [, , count, kind, request] = words;
    return { kind, request, calls: words.subarray(WORDS, WORDS + Math.min(count, MOST_LOGGED)) };
  }

  close(): void {
    closeSync(this.#file);
  }

  #put(words: readonly number[]): void {
    writeSync(this.#file, new Uint8Array(Uint32Array.from(words).buffer), 0, 4 * words.length, 0);
  }
}

/** One life with a failure, and what is told of it; undefined if it ended before that call. `arm` says which call it is. */
function injection(live: () => string, usual: string, shared: SharedWords, arm: { call: number; errno: Injection['errno']; only?: number }): Injection | undefined {
  const { call, errno, only } = arm;
  const files = openFiles();
  const objects = liveObjects();
  let came: string | undefined;
  let error: Partial<NativeError> | undefined;
  shared.arm(call, os.errno[errno], only);
  try {
    came = live();
  } catch (thrown) {
    error = thrown as Error;
  }
  const { kind, request } = shared.disarm();
  if (kind === 0 && error === undefined) return undefined;
  return {
    call, errno, kind: KINDS[kind], request, ...(came !== undefined && came !== usual && { changed: came }),
    ...(error !== undefined && { error: { message: String(error.message), errno: error.errno, operation: error.operation } }),
    left: { files: openFiles() - files, objects: liveObjects() - objects },
  };
}

/** With no errnos per call: the first call of each sort, each with another. */
function injectEverywhere(live: () => string, path: string, errnosPerCall: number): void {
  const shared = new SharedWords(path);
  // What is made once per process is made.
  live();
  shared.arm(NEVER, 0);
  const usual = live();
  const sorts = errnosPerCall > 0 ? undefined : [...new Set(shared.disarm().calls)];
  for (let turn = 0; turn < (sorts?.length ?? MOST_CALLS * errnosPerCall); turn++) {
    // With fewer than all for each call, neighbours get different ones.
    const errno = ERRNOS[turn % ERRNOS.length];
    const made = injection(live, usual, shared, sorts === undefined ? { call: 1 + Math.floor(turn / errnosPerCall), errno } : { call: 1, errno, only: sorts[turn] });
    if (made === undefined && sorts === undefined) break;
    if (made !== undefined) writeSync(1, `${JSON.stringify(made)}\n`);
  }
  shared.close();
  writeSync(1, 'done\n');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  injectEverywhere(LIVES[process.argv[2]], process.argv[3], Number(process.argv[4]));
}
