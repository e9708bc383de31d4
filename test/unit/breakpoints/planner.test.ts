import test from 'tape';
import type { DebugCapabilities } from '../../../src/breakpoints/capabilities.js';
import { planBreakpoints, type Mechanism, type PlanContext, type WantedBreakpoint } from '../../../src/breakpoints/planner.js';
import { INT3_IN_REAL_MODE_ONLY, NOTHING, ONLY_STEPPING, SOFTWARE_KVM, VMX, capabilities } from './capabilities-fixture.js';

const FREE: PlanContext = { kernelIrqchip: false, guestUsesDebugRegisters: () => false };
const GUEST_DRS: PlanContext = { kernelIrqchip: false, guestUsesDebugRegisters: () => true };
const IRQCHIP: PlanContext = { kernelIrqchip: true, guestUsesDebugRegisters: () => true };
const NO_DR = capabilities({ debugExecute: false });

const soft = (address: number, mapped = true): WantedBreakpoint =>
  ({ kind: 'software', address: BigInt(address), length: 1, physical: mapped ? address : undefined });
const hard = (address: number): WantedBreakpoint => ({ ...soft(address), kind: 'hardware' });

/** `dr0=7c00 int3@8000 step@9000`, or `refused 7c00`. */
function summary(wanted: WantedBreakpoint[], host: DebugCapabilities, context: PlanContext): string {
  const plan = planBreakpoints(wanted, host, context);
  if ('refused' in plan) return `refused ${plan.refused.address.toString(16)}`;
  return [
    ...plan.debugRegisters.map(({ index, address, length, type }) => `dr${index}=${address.toString(16)}${type === 'execute' ? '' : `+${length} ${type}`}`),
    ...plan.patches.map(({ mechanism, physical }) => `${mechanism}@${physical.toString(16)}`),
    ...plan.guards.map(({ breakpoint }) => `guard=${breakpoint.address.toString(16)}+${breakpoint.length}`),
    ...plan.stepped.map(({ address }) => `step@${address.toString(16)}`),
    ...plan.steppedWatches.map(({ address, length }) => `watch=${address.toString(16)}+${length}`),
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

const NO_DATA = capabilities({ debugWrite: false });
const watch = (kind: 'write' | 'read' | 'access', address: number, length: number, guardable = true): WantedBreakpoint => ({
  kind, address: BigInt(address), length, physical: undefined,
  ...(guardable && { pieces: [{ linear: BigInt(address), physical: address, length }] }),
});
const only = (...mechanisms: Mechanism[]): PlanContext => ({ ...FREE, mechanisms: new Set(mechanisms) });

const watchRows: [string, WantedBreakpoint[], DebugCapabilities, PlanContext, string][] = [
  ['a write watch takes a debug register', [watch('write', 0x1000, 4)], VMX, FREE, 'dr0=1000+4 write'],
  ['also from a guest that uses its own', [watch('write', 0x1000, 4)], VMX, GUEST_DRS, 'dr0=1000+4 write'],
  ['unaligned: several registers', [watch('write', 0x1001, 7)], VMX, FREE, 'dr0=1001+1 write dr1=1002+2 write dr2=1004+4 write'],
  ['a watch on a device is stepped: its accesses are emulated', [{ ...watch('write', 0xa0000, 1, false), isDevice: true }, watch('write', 0x2000, 4)], VMX, FREE, 'dr0=2000+4 write watch=a0000+1'],
  ['a write watch longer than the registers is guarded', [watch('write', 0x1000, 40)], VMX, FREE, 'guard=1000+40'],
  ['a write watch that does not fit what is left is guarded', [watch('write', 0x1000, 24), watch('write', 0x2001, 7)], VMX, FREE,
    'dr0=1000+8 write dr1=1008+8 write dr2=1010+8 write guard=2001+7'],
  ['where no page can be protected it is stepped', [watch('write', 0x1000, 40, false)], VMX, FREE, 'watch=1000+40'],
  ['one that cannot be guarded comes before one that can', [1, 2, 3, 4].map((i) => watch('write', 0x1000 * i, 4)).concat(watch('write', 0x9000, 4, false)), VMX, FREE,
    'dr0=9000+4 write dr1=1000+4 write dr2=2000+4 write dr3=3000+4 write guard=4000+4'],
  ['a read watch is an access in the register', [watch('read', 0x1000, 2)], VMX, FREE, 'dr0=1000+2 access'],
  ['read and access watches come before write watches', [1, 2, 3, 4].map((i) => watch('write', 0x1000 * i, 4)).concat(watch('access', 0x9000, 4)), VMX, FREE,
    'dr0=9000+4 access dr1=1000+4 write dr2=2000+4 write dr3=3000+4 write guard=4000+4'],
  ['a fifth read watch is stepped', [1, 2, 3, 4, 5].map((i) => watch('read', 0x1000 * i, 4)), VMX, FREE,
    'dr0=1000+4 access dr1=2000+4 access dr2=3000+4 access dr3=4000+4 access watch=5000+4'],
  ['hardware breakpoints come before watches', [watch('access', 0x1000, 32), hard(1)], VMX, FREE, 'dr0=1 watch=1000+32'],
  ['watches come before spare registers for software breakpoints', [soft(1), watch('write', 0x1000, 32)], VMX, FREE,
    'dr0=1000+8 write dr1=1008+8 write dr2=1010+8 write dr3=1018+8 write int3@1'],
  ['no data breakpoints: write watches are guarded', [watch('write', 0x1000, 4)], NO_DATA, FREE, 'guard=1000+4'],
  ['no data breakpoints: read watches are stepped, and execution has the registers', [watch('read', 0x1000, 4), hard(1)], NO_DATA, FREE, 'dr0=1 watch=1000+4'],
  ['no read-only slots: stepped', [watch('write', 0x1000, 4)], capabilities({ debugWrite: false }, { readOnlySlot: false }), FREE, 'watch=1000+4'],
  ['only stepping', [watch('access', 0x1000, 4), watch('write', 0x2000, 4)], ONLY_STEPPING, FREE, 'guard=2000+4 watch=1000+4'],
  ['a fifth breakpoint in a page of CPL 3 is not patched with hlt', [1, 2, 3, 4, 5].map((a) => ({ ...soft(a), userMode: true })), SOFTWARE_KVM, FREE,
    'dr0=1 dr1=2 dr2=3 dr3=4 step@5'],
  ['but with int3', [1, 2, 3, 4, 5].map((a) => ({ ...soft(a), userMode: true })), VMX, FREE, 'dr0=1 dr1=2 dr2=3 dr3=4 int3@5'],
  ['forced: only patches', [soft(1), hard(2)], VMX, only('patch'), 'int3@2 int3@1'],
  ['forced: only stepping', [soft(1), watch('write', 0x1000, 4)], VMX, only('step'), 'step@1 watch=1000+4'],
  ['forced: only read-only pages', [watch('write', 0x1000, 4)], VMX, only('read-only'), 'guard=1000+4'],
  ['forced: what is left cannot do it', [watch('read', 0x1000, 4)], VMX, only('read-only', 'patch'), 'refused 1000'],
];

for (const [name, wanted, host, context, expected] of watchRows) {
  test(`planner: ${name}`, (t) => {
    t.equal(summary(wanted, host, context), expected);
    t.end();
  });
}

test('planner: nothing can find a watch: refused in words', (t) => {
  const plan = planBreakpoints([watch('read', 1, 4)], NOTHING, FREE);
  t.ok('refused' in plan && /neither a debug register left nor can it single-step/.test(plan.reason));
  t.end();
});
