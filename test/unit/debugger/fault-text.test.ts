import test from 'tape';
import { describeFault, type FaultPlace } from '../../../src/debugger/fault-text.js';
import type { Exit } from '../../../src/vmm/exit.js';

const PLACE: FaultPlace = { cpu: 'cpu2', where: '0x7c10 (real16)', registersRestored: false, hasMemory: true };
const io: Exit = { reason: 'io', direction: 'in', size: 1, port: 0x60, count: 1, data: new Uint8Array(1) };

const FAULTS: readonly (readonly [string, Exit, string, RegExp])[] = [
  ['triple fault', { reason: 'shutdown' }, 'SIGSEGV', /^Triple fault on cpu2 at .*registers are those of the faulting instruction.*"monitor reset halt"/],
  ['failed entry', { reason: 'fail-entry', hardwareReason: 0x8000_0021n, cpu: 0 }, 'SIGABRT', /refused to enter the guest on cpu2 .*0x80000021.*segments/],
  ['emulation failure', { reason: 'internal-error', suberror: 1, data: [], instruction: Uint8Array.of(0xd9, 0x0e) }, 'SIGILL', /cannot emulate the instruction \(d9 0e\) at .* on cpu2: x87 is not in KVM's instruction emulator.*docs\/hosts\.md/],
  ['emulation failure without bytes', { reason: 'internal-error', suberror: 1, data: [] }, 'SIGILL', /cannot emulate the instruction at .*: it is not in KVM's/],
  ['two exceptions', { reason: 'internal-error', suberror: 2, data: [] }, 'SIGILL', /two exceptions at once on cpu2/],
  ['event delivery', { reason: 'internal-error', suberror: 3, data: [] }, 'SIGILL', /could not deliver an event to cpu2 .*stack cannot be reached/],
  ['unexpected exit', { reason: 'internal-error', suberror: 4, data: [] }, 'SIGILL', /internal error 4 on cpu2/],
  ['KVM_RUN fails', { reason: 'run-error', errno: 22, message: 'KVM_RUN: Invalid argument (EINVAL)' }, 'SIGABRT', /^cpu2 stopped at .*EINVAL/],
  ['host memory', { reason: 'run-error', errno: 14, message: 'KVM could not reach the guest\'s memory' }, 'SIGBUS', /^cpu2 stopped at .*: KVM could not reach/],
  ['memory fault', { reason: 'memory-fault', flags: 0n, address: 0x5000n, size: 0x1000n }, 'SIGBUS', /guest-physical 0x5000/],
  ['exception', { reason: 'exception', exception: 8, errorCode: 0 }, 'SIGTRAP', /exception 8 left the guest/],
  ['hypercall', { reason: 'hypercall', nr: 12n, args: [] }, 'SIGTRAP', /hypercall 12 .* does not offer/],
  ['no progress', { reason: 'notify', flags: 0 }, 'SIGABRT', /no progress/],
  ['unknown exit', { reason: 'unsupported', number: 99 }, 'SIGABRT', /KVM exit 99, which this version does not know/],
  ['MSR exit', { reason: 'rdmsr', index: 0x10, value: 0n, msrReason: 0 }, 'SIGTRAP', /\(rdmsr\), which this machine did not ask for/],
];

for (const [name, exit, signal, sentence] of FAULTS) {
  test(`fault text: ${name}`, (t) => {
    const fault = describeFault(exit, PLACE);
    t.equal(fault?.signal, signal);
    t.match(fault?.text ?? '', sentence);
    t.match(fault?.text ?? '', /0x7c10 \(real16\)/, 'says where');
    t.match(fault?.text ?? '', /\.$/, 'is a sentence');
    t.end();
  });
}

test('fault text: an emulation failure where no memory is', (t) => {
  const fault = describeFault({ reason: 'internal-error', suberror: 1, data: [] }, { ...PLACE, hasMemory: false });
  t.deepEqual(fault, { signal: 'SIGSEGV', text: 'cpu2 went to 0x7c10 (real16), where the guest has no memory: there is nothing to execute.' });
  t.end();
});

test('fault text: a host that lost the registers says whose are shown', (t) => {
  const { text } = describeFault({ reason: 'shutdown' }, { ...PLACE, registersRestored: true }) ?? { text: '' };
  t.match(text, /SVM.*the last exit before it/);
  t.doesNotMatch(text, /of the faulting instruction/);
  t.end();
});

test('fault text: what the machine serves is no fault', (t) => {
  const served: readonly Exit[] = [io, { reason: 'mmio', isWrite: true, address: 0n, data: new Uint8Array(4) }, { reason: 'hlt' }, { reason: 'kicked' }, { reason: 'plan-done', pc: 0n }];
  for (const exit of served) t.equal(describeFault(exit, PLACE), undefined, exit.reason);
  t.end();
});
