import test from 'tape';
import type { DebugCapabilities, ModeCapabilities } from '../../../src/breakpoints/capabilities.js';
import { mechanismsText, plannedMechanisms } from '../../../src/debugger/planned-mechanisms.js';

const ALL: ModeCapabilities = { singleStep: true, int3: true, hlt: true, debugExecute: true, debugWrite: true, stepOverIo: true };

function host(mode: Partial<ModeCapabilities>): DebugCapabilities {
  const every = { ...ALL, ...mode };
  return {
    modes: { real: every, protected: every, long: every }, readOnlySlot: true, resumeFlag: true, faultStep: 'free', pushfLeaksTf: true, stepsEndLate: false, userStep: true, blockIrq: true,
  };
}

test('planned mechanisms: what the planner says for each kind of host', (t) => {
  t.equal(mechanismsText(plannedMechanisms(host({}))), [
    'software breakpoint         debug register; a fifth: int3 patch',
    'hardware breakpoint         debug register; a fifth: int3 patch',
    'write watchpoint            debug register; a fifth: read-only page',
    'read or access watchpoint   debug register; a fifth: stepping',
    'step                        single step', '',
  ].join('\n'));
  const software = plannedMechanisms(host({ int3: false, debugWrite: false }));
  t.deepEqual([software.writeWatchpoint.first, software.accessWatchpoint.first], ['read-only page', 'stepping'], 'no data breakpoints');
  t.deepEqual(plannedMechanisms(host({ int3: false })).softwareBreakpoint,
    { first: 'debug register', fifth: 'hlt patch', fifthWithKernelIrqchip: 'stepping' }, 'software KVM');
  t.deepEqual(plannedMechanisms(host({ int3: false, hlt: false, debugExecute: false })).hardwareBreakpoint,
    { first: 'stepping', fifth: 'stepping', fifthWithKernelIrqchip: 'stepping' }, 'only stepping is left');
  const nothing = plannedMechanisms(host({ int3: false, hlt: false, debugExecute: false, singleStep: false }));
  t.deepEqual([nothing.softwareBreakpoint.first, nothing.step], ['refused', 'refused']);
  t.end();
});
