/**
 * The guest's time across stops of the debugger (docs/decisions/0018-guest-time.md). With the policy `pause` a guest that was stopped
 * for long finds its TSC, kvmclock, PIT, local APIC timers and PM timer where they were: what they were is read soon after
 * the stop and put back before the guest goes on. Short stops, as those of a script that steps, are let pass: they cost nothing.
 *
 * What of it the host lets user space set differs; what it does not goes on as the host's clock does.
 */
import { GuestTimers } from './guest-timers.js';
import type { KernelPit } from './irqchip/interrupt-controllers.js';
import { native as binding, type NativeVcpu, type NativeVm } from './native.js';
import { APIC_TIMER, apicRegister, setApicRegister } from '../x86/local-apic.js';
import { MSR } from '../x86/msrs.js';
import type { Vcpu } from './vcpu.js';

export const CLOCK_POLICIES = ['pause', 'run'] as const;
export type ClockPolicy = (typeof CLOCK_POLICIES)[number];

/** How long a stop lasts before it is one that the guest is not to see. */
export const SHORT_STOP_MILLISECONDS = 10;

/** The times of a machine at one moment. */
export interface GuestTime {
  /** `struct kvm_clock_data` without flags: nanoseconds of kvmclock. */
  readonly kvmclock: Uint8Array;
  /** Ticks of the TSC without its vCPUs' offsets. */
  readonly hostTsc: bigint;
  readonly cpus: readonly CpuTime[];
  /** `struct kvm_pit_state2`. */
  readonly pit: Uint8Array | undefined;
}

interface CpuTime {
  readonly tsc: bigint;
  /** KVM_VCPU_TSC_OFFSET; undefined on kernels before 5.16. */
  readonly tscOffset: bigint | undefined;
  /** IA32_TSC_DEADLINE, 0 when it is not armed. */
  readonly deadline: bigint;
  /** Current count of the local APIC's timer. */
  readonly timerCount: number;
}

export interface ClockParts {
  readonly vm: NativeVm;
  readonly vcpus: () => readonly Vcpu[];
  /** Whether the vCPUs have local APICs. */
  readonly localApic: boolean;
  /** Where the PIT is in the kernel. */
  readonly kernelPit: KernelPit | undefined;
  readonly policy: ClockPolicy;
}

const TSC = Uint32Array.of(MSR.tsc), DEADLINE = Uint32Array.of(MSR.tsc_deadline);

export class GuestClock {
  readonly #parts: ClockParts;
  readonly #timers = new GuestTimers(() => this.now());
  #timer: NodeJS.Timeout | undefined;
  /** Of `performance.now()`: when the stop, if there is one that may yet be short, is no longer short. */
  #shortUntil: number | undefined;
  /** What time it is for the guest while it is stopped, once that was asked for. */
  #stopped: GuestTime | undefined;
  /** Of the host's monotonic clock: when `#stopped` was, and how much of it the guest has not seen. */
  #stoppedAt = 0n;
  #unseen = 0n;

  constructor(parts: ClockParts) {
    this.#parts = parts;
  }

  get policy(): ClockPolicy {
    return this.#parts.policy;
  }

  /** Nanoseconds of a clock for devices, which stands while the guest's time does. */
  now(): bigint {
    return (this.#stopped === undefined ? process.hrtime.bigint() : this.#stoppedAt) - this.#unseen;
  }

  /** Calls `work` once when it is that time by `now`, or soon after, from the event loop; the result calls it off. */
  at(time: bigint, work: () => void): () => void {
    return this.#timers.at(time, work);
  }

  /** Every vCPU is parked, and the guest may stay so. */
  stopped(): void {
    if (this.#parts.policy === 'run' || this.#stopped !== undefined) return;
    this.#shortUntil = performance.now() + SHORT_STOP_MILLISECONDS;
    // One timer for many stops: it costs more than a short stop may.
    this.#timer ??= this.#lookIn(SHORT_STOP_MILLISECONDS);
  }

  /** Captures the time if the guest has been stopped for long by then, or looks again when it will have been. */
  #lookIn(milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#timer = undefined;
      if (this.#shortUntil === undefined) return;
      const left = this.#shortUntil - performance.now();
      if (left <= 0) this.capture();
      else this.#timer = this.#lookIn(left);
    }, milliseconds).unref();
  }

  /** The guest is about to go on. */
  resumed(): void {
    this.#shortUntil = undefined;
    const time = this.#stopped;
    if (time === undefined) return;
    this.#goesOn();
    this.#put(time);
  }

  /** The time now; with the policy `pause` it stays so until `resumed`. No vCPU may be running. */
  capture(): GuestTime {
    if (this.#stopped !== undefined) return this.#stopped;
    const { vm, vcpus, localApic, kernelPit, policy } = this.#parts;
    const cpus = vcpus().map(({ native }) => cpuTime(native, localApic));
    const clock = vm.getClock();
    const { size, fields } = binding().layout['kvm_clock_data'];
    const kvmclock = new Uint8Array(size);
    const { offset, size: length } = fields['clock'];
    kvmclock.set(clock.subarray(offset, offset + length), offset);
    const time = { kvmclock, cpus, hostTsc: cpus[0].tsc - (cpus[0].tscOffset ?? 0n), pit: kernelPit?.pit };
    if (policy === 'pause') {
      this.#shortUntil = undefined;
      this.#stopped = time;
      this.#stoppedAt = process.hrtime.bigint();
      this.#timers.hold();
    }
    return time;
  }

  /** It is this time again, from `resumed` on, or from now on with the policy `run`. */
  set(time: GuestTime): void {
    if (this.#parts.policy === 'run') return this.#put(time);
    this.capture();
    this.#stopped = time;
  }

  /** The machine is reset: TSC and kvmclock begin at 0. */
  reset(): void {
    this.close();
    const vcpus = this.#parts.vcpus();
    const gained = hostTscOf(vcpus[0].native);
    // A TSC of 0 that is written as MSR is taken for a new processor's, which gets the time of the others.
    for (const { native } of vcpus) if (native.hasTscOffset()) native.setTscOffset(BigInt.asUintN(64, -gained));
    this.#parts.vm.setClock(new Uint8Array(binding().layout['kvm_clock_data'].size));
  }

  /** No timer of its own runs any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#shortUntil = undefined;
    if (this.#stopped !== undefined) this.#goesOn();
  }

  #goesOn(): void {
    this.#unseen += process.hrtime.bigint() - this.#stoppedAt;
    this.#stopped = undefined;
    this.#timers.release();
  }

  #put({ kvmclock, hostTsc, cpus, pit }: GuestTime): void {
    const { vm, localApic, kernelPit } = this.#parts;
    const vcpus = this.#parts.vcpus();
    vm.setClock(kvmclock);
    // TSCs that were in step stay so: all of them lose what vCPU 0 has gained.
    const gained = hostTscOf(vcpus[0].native) - hostTsc;
    vcpus.forEach(({ native }, i) => {
      const { tsc, tscOffset, deadline, timerCount } = cpus[i];
      if (tscOffset === undefined) native.setMsrs(TSC, BigUint64Array.of(tsc));
      else native.setTscOffset(BigInt.asUintN(64, tscOffset - gained));
      if (!localApic) return;
      restartTimer(native, timerCount);
      if (deadline !== 0n) native.setMsrs(DEADLINE, BigUint64Array.of(deadline));
      native.kvmclockStopped();
    });
    if (pit !== undefined) kernelPit?.startPit(pit);
  }
}

function cpuTime(vcpu: NativeVcpu, localApic: boolean): CpuTime {
  const tscOffset = vcpu.hasTscOffset() ? BigInt.asIntN(64, vcpu.getTscOffset()) : undefined;
  if (!localApic) return { tsc: vcpu.getMsrs(TSC)[0], tscOffset, deadline: 0n, timerCount: 0 };
  const [tsc, deadline] = vcpu.getMsrs(Uint32Array.of(MSR.tsc, MSR.tsc_deadline));
  return { tsc, tscOffset, deadline, timerCount: apicRegister(vcpu.getLapic(), APIC_TIMER.currentCount) };
}

/** Ticks of the host's TSC as this vCPU's would be without an offset. */
function hostTscOf(vcpu: NativeVcpu): bigint {
  return vcpu.getMsrs(TSC)[0] - (vcpu.hasTscOffset() ? BigInt.asIntN(64, vcpu.getTscOffset()) : 0n);
}

/** A timer that has run out or never ran (count 0) is left alone; interrupts that came meanwhile stay pending. */
function restartTimer(vcpu: NativeVcpu, count: number): void {
  if (count === 0) return;
  const lapic = vcpu.getLapic();
  setApicRegister(lapic, APIC_TIMER.currentCount, count);
  vcpu.setLapic(lapic);
}
