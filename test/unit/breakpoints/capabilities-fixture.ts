/** The three kinds of host that docs/hosts.md describes, as probe results. */
import { PROBE_MODES, type DebugCapabilities, type ModeCapabilities, type ProbeMode } from '../../../src/breakpoints/capabilities.js';

const EVERYTHING: ModeCapabilities = {
  singleStep: true, int3: true, hlt: true, debugExecute: true, debugWrite: true, stepOverIo: true,
};

export function capabilities(
  mode: Partial<ModeCapabilities> = {}, rest: Partial<Omit<DebugCapabilities, 'modes'>> = {},
): DebugCapabilities {
  const each = { ...EVERYTHING, ...mode };
  const modes = Object.fromEntries(PROBE_MODES.map((name) => [name, each])) as Record<ProbeMode, ModeCapabilities>;
  return { modes, readOnlySlot: true, resumeFlag: true, faultStep: 'free', pushfLeaksTf: true, stepsEndLate: false, userStep: true, blockIrq: true, ...rest };
}

export const VMX = capabilities();
export const SOFTWARE_KVM = capabilities(
  { int3: false, debugWrite: false }, { resumeFlag: false, faultStep: 'handler', pushfLeaksTf: false, stepsEndLate: true, userStep: false },
);
/** int3 works in real mode only: useless for a patch that may be reached in another mode. */
export const INT3_IN_REAL_MODE_ONLY: DebugCapabilities = {
  ...SOFTWARE_KVM, modes: { ...SOFTWARE_KVM.modes, real: { ...EVERYTHING } },
};
export const ONLY_STEPPING = capabilities({ int3: false, hlt: false, debugExecute: false, debugWrite: false });
export const NOTHING = capabilities({
  int3: false, hlt: false, debugExecute: false, debugWrite: false, singleStep: false, stepOverIo: false,
});
