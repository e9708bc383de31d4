/** The ways to stop that this host has, each as the only one that may be used. */
import { inEveryMode } from '../../../src/breakpoints/capabilities.js';
import { patchMechanism, type Mechanism } from '../../../src/breakpoints/planner.js';
import { hostCapabilities } from './guest-under-debug.js';

/** Undefined: as the planner chooses. */
export type Forced = readonly [name: string, mechanisms: readonly Mechanism[] | undefined];

/** For execution breakpoints. What debug registers have no room for is stepped; patches are write-protected. */
export function executionMechanisms({ kernelIrqchip } = { kernelIrqchip: false }): Forced[] {
  const host = hostCapabilities();
  return [
    ['as planned', undefined],
    ...(inEveryMode(host, 'debugExecute') ? [['by debug registers', ['debug-register', 'step']] as Forced] : []),
    ...(patchMechanism(host, { kernelIrqchip, guestUsesDebugRegisters: () => false }) !== undefined ? [['by patches', host.readOnlySlot ? ['patch', 'read-only'] : ['patch']] as Forced] : []),
    ['by stepping', ['step']],
  ];
}

/** For write watches, and execution breakpoints beside them. */
export function writeMechanisms(): Forced[] {
  const host = hostCapabilities();
  return [
    ['as planned', undefined],
    ...(inEveryMode(host, 'debugWrite') ? [['by debug registers', ['debug-register', 'patch']] as Forced] : []),
    ...(host.readOnlySlot ? [['by read-only pages', ['patch', 'read-only']] as Forced] : []),
    ['by stepping', ['step']],
  ];
}

/** For watches of every kind, any number of them: where a way has no room or does not do it, the watch is stepped. */
export function watchMechanisms(): Forced[] {
  return writeMechanisms().map(([name, only]) => [name, only === undefined || only.includes('step') ? only : [...only, 'step']]);
}
