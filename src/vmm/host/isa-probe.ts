/**
 * Does this host run a kernel that was built for more than the baseline? A software KVM shows the processor's CPUID but
 * carries kernel code out in its instruction emulator, which knows little beyond the baseline. One POPCNT tells.
 */
import { protectedMode } from '../boot/cpu-modes.js';
import type { LoadedGuest } from '../boot/boot-options.js';
import { isaLevelName } from '../isa-level.js';
import { applyCpuState } from '../reset-state.js';
import { NO_DEBUG, PAGE, withThrowawayVcpu } from './throwaway-vcpu.js';

/** popcnt %eax, %eax; hlt. */
const CODE = [0xf3, 0x0f, 0xb8, 0xc0, 0xf4];
const PATIENCE_MICROSECONDS = 500_000;

/** Whether KVM runs POPCNT at CPL 0 in protected mode. Throws the binding's error where KVM cannot be used. */
export function runsPopcnt(): boolean {
  return withThrowawayVcpu((vcpu, page) => {
    page.set(CODE);
    // The descriptors are loaded with the segments, so no table is read.
    applyCpuState(vcpu, protectedMode(BigInt(PAGE), PAGE, {}));
    return vcpu.runToExit({ mode: 'continue', debug: NO_DEBUG, waitMicroseconds: PATIENCE_MICROSECONDS, fresh: true }).reason === 'hlt';
  });
}

/** A sentence for a guest that needs what this host's emulator does not have; undefined for every other. */
export function emulatedIsaWarning({ isa }: LoadedGuest, name: string, runs: () => boolean = runsPopcnt): string | undefined {
  if (isa?.needed === undefined || isa.needed === 1 || runs()) return undefined;
  return `${name} needs ${isaLevelName(isa.needed)}, and this host's KVM runs kernel code in an instruction emulator that knows only the baseline: ` +
    'such an instruction ends in an emulation failure; build it with -march=x86-64, or see docs/hosts.md.';
}
