import test from 'tape';
import type { DebugCapabilities } from '../../../src/breakpoints/capabilities.js';
import { planBreakpoints, type PlanContext, type WantedBreakpoint } from '../../../src/breakpoints/planner.js';
import { INT3_IN_REAL_MODE_ONLY, NOTHING, ONLY_STEPPING, SOFTWARE_KVM, VMX, capabilities } from './capabilities-fixture.js';

const FREE: PlanContext = { kernelIrqchip: false, guestUsesDebugRegisters: false };
const GUEST_DRS: PlanContext = { kernelIrqchip: false, guestUsesDebugRegisters: true };
const IRQCHIP: PlanContext = { kernelIrqchip: true, guestUsesDebugRegisters: true };
const NO_DR = capabilities({ debugExecute: false });

const soft = (address: number, mapped = true): WantedBreakpoint =>
  ({ kind: 'software', address: BigInt(address), length: 1, physical: mapped ? address : undefined });
const hard = (address: number): WantedBreakpoint => ({ ...soft(address), kind: 'hardware' });

/** `dr0=7c00 int3@8000 step@9000`, or `refused 7c00`. */
function summary(wanted: WantedBreakpoint[], host: DebugCapabilities, context: PlanContext): string {
  const plan = planBreakpoints(wanted, host, context);
  if ('refused' in plan) return `refused ${plan.refused.address.toString(16)}`;
  return [
    ...plan.debugRegisters.map(({ index, address }) => `dr${index}=${address.toString(16)}`),
    ...plan.patches.map(({ mechanism, physical }) => `${mechanism}@${physical.toString(16)}`),
    ...plan.stepped.map(({ address }) => `step@${address.toString(16)}`),
  ].join(' ');
}

const rows: [string, WantedBreakpoint[], DebugCapabilities, PlanContext, string][] = [
  ['nothing wanted', [], VMX, FREE, ''],
  ['a software breakpoint takes a spare debug register, so that no loader can overwrite it', [soft(0x7c00)], VMX, FREE, 'dr0=7c00'],
  ['a guest that uses its debug registers keeps them: int3', [soft(0x7c00)], VMX, GUEST_DRS, 'int3@7c00'],
  ['without int3 the patch is hlt', [soft(0x7c00)], SOFTWARE_KVM, GUEST_DRS, 'hlt@7c00'],
  ['int3 in one mode only is not int3', [soft(0x7c00)], INT3_IN_REAL_MODE_ONLY, GUEST_DRS, 'hlt@7c00'],
  ['with an irqchip in the kernel hlt does not exit: a debug register', [soft(0x7c00)], SOFTWARE_KVM, IRQCHIP, 'dr0=7c00'],
  ['with an irqchip int3 still works', [soft(0x7c00)], VMX, IRQCHIP, 'int3@7c00'],
  ['a hardware breakpoint takes a register even from a guest that has its own', [hard(0x7c00)], VMX, GUEST_DRS, 'dr0=7c00'],
  ['hardware breakpoints come first', [soft(1), soft(2), soft(3), soft(4), hard(5)], VMX, FREE, 'dr0=5 dr1=1 dr2=2 dr3=3 int3@4'],
  ['unmapped comes before mapped', [soft(1), soft(2), soft(3), soft(4), soft(5, false)], VMX, FREE, 'dr0=5 dr1=1 dr2=2 dr3=3 int3@4'],
  ['more than four hardware breakpoints: the fifth is a patch', [hard(1), hard(2), hard(3), hard(4), hard(5)], VMX, FREE, 'dr0=1 dr1=2 dr2=3 dr3=4 int3@5'],
  ['more than four unmapped ones: the fifth is stepped', [1, 2, 3, 4, 5].map((a) => soft(a, false)), VMX, FREE, 'dr0=1 dr1=2 dr2=3 dr3=4 step@5'],
  ['software and hardware at one address share a register', [soft(1), hard(1)], VMX, FREE, 'dr0=1'],
  ['no debug registers: patches', [soft(1), hard(2)], NO_DR, FREE, 'int3@2 int3@1'],
  ['no debug registers, unmapped: stepped', [soft(1, false)], NO_DR, FREE, 'step@1'],
  ['only stepping', [soft(1), hard(2)], ONLY_STEPPING, FREE, 'step@2 step@1'],
  ['more than can be compared while stepping: refused', Array.from({ length: 1021 }, (_, i) => soft(i)), ONLY_STEPPING, FREE, 'refused 3fc'],
  ['nothing works: refused', [soft(1)], NOTHING, FREE, 'refused 1'],
  ['one hundred', Array.from({ length: 100 }, (_, i) => soft(i)), SOFTWARE_KVM, FREE,
    ['dr0=0', 'dr1=1', 'dr2=2', 'dr3=3', ...Array.from({ length: 96 }, (_, i) => `hlt@${(i + 4).toString(16)}`)].join(' ')],
];

for (const [name, wanted, host, context, expected] of rows) {
  test(`planner: ${name}`, (t) => {
    t.equal(summary(wanted, host, context), expected);
    t.end();
  });
}

test('planner: every wanted breakpoint is planned exactly once or shares a register', (t) => {
  for (const host of [VMX, SOFTWARE_KVM, INT3_IN_REAL_MODE_ONLY, ONLY_STEPPING, NO_DR]) {
    for (const context of [FREE, GUEST_DRS, IRQCHIP]) {
      for (let count = 0; count < 12; count++) {
        const wanted = Array.from({ length: count }, (_, i) => (i % 3 === 0 ? hard(i) : soft(i, i % 4 !== 1)));
        const plan = planBreakpoints(wanted, host, context);
        if ('refused' in plan) {
          t.fail(`refused ${plan.refused.address}`);
          continue;
        }
        const planned = [
          ...plan.debugRegisters.map(({ breakpoint }) => breakpoint), ...plan.patches.map(({ breakpoint }) => breakpoint), ...plan.stepped,
        ];
        t.deepEqual(planned.map(({ address }) => Number(address)).sort((a, b) => a - b), wanted.map(({ address }) => Number(address)));
        t.ok(plan.debugRegisters.length <= 4);
      }
    }
  }
  t.end();
});

test('planner: watchpoints are refused in words', (t) => {
  const plan = planBreakpoints([{ kind: 'write', address: 1n, length: 4, physical: 1 }], VMX, FREE);
  t.ok('refused' in plan && /watchpoint/.test(plan.reason));
  t.end();
});
