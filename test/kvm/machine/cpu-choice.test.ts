/** `--cpu` as the guest sees it: its own CPUID instruction, on the real KVM. */
import test from 'tape';
import { parseCpuChoice } from '../../../src/vmm/cpu-choice.js';
import { CPUID_FEATURES } from '../../../src/vmm/cpuid-features.js';
import { Machine } from '../../../src/vmm/machine.js';
import { native } from '../../../src/vmm/native.js';
import { runUntilEnd } from '../../../src/vmm/run-machine.js';
import { patience } from '../../time-scale.js';

/** mov $leaf, %eax; xor %ecx, %ecx; cpuid; hlt, in real mode. */
function askCpuid(leaf: number): Uint8Array {
  const bytes = [0x66, 0xb8, 0, 0, 0, 0, 0x66, 0x31, 0xc9, 0x0f, 0xa2, 0xf4];
  const code = Uint8Array.from(bytes);
  new DataView(code.buffer).setUint32(2, leaf, true);
  return code;
}

/** Whether the guest sees the feature. */
async function guestSees(name: string, cpu: string): Promise<boolean> {
  const { word, bit } = CPUID_FEATURES.get(name) ?? { word: { leaf: 0, index: 0, register: 'eax' as const }, bit: -1 };
  const machine = Machine.create({ memory: 1 << 20, cpu: parseCpuChoice(cpu), guest: { name: 'cpuid', bytes: askCpuid(word.leaf), boot: 'flat' } });
  try {
    const end = await runUntilEnd(machine, patience(10_000));
    if (end.kind !== 'exit' || end.exit.reason !== 'hlt') throw new Error(`the guest ended with ${end.kind}`);
    const { rax, rbx, rcx, rdx } = machine.vcpus[0].regs;
    const value = { eax: rax, ebx: rbx, ecx: rcx, edx: rdx }[word.register];
    return ((value >> BigInt(bit)) & 1n) === 1n;
  } finally {
    machine.close();
  }
}

test('cpu choice: the guest sees what was chosen, or the choice is refused where the host does not follow', async (t) => {
  t.equal(await guestSees('sse2', 'host'), true);
  t.equal(await guestSees('hypervisor', 'host'), true);
  t.equal(await guestSees('hypervisor', 'host,-hypervisor'), false);
  for (const [cpu, name] of [['-sse2', 'sse2'], ['-nx', 'nx'], ['base', 'sse4_2'], ['base', 'smap'], ['base', 'hypervisor']] as const) {
    try {
      t.equal(await guestSees(name, cpu), false, `${cpu}: no ${name}`);
    } catch (error) {
      const hidden = /^This host's KVM cannot hide (.+) from the guest;/.exec((error as Error).message)?.[1]?.split(', ') ?? [];
      t.ok(hidden.length > 0, (error as Error).message);
      t.equal(await guestSees(hidden[0] ?? '', 'host'), true, `${cpu}: ${hidden[0] ?? ''} is there indeed`);
    }
  }
  t.end();
});

test('cpu choice: what cannot be is refused in words, and nothing stays open', (t) => {
  const before = native().liveObjects();
  const guest = { name: 'hlt', bytes: Uint8Array.from([0xf4]), boot: 'flat' as const };
  // No KVM offers this one: it is of a processor from 2002.
  t.throws(() => Machine.create({ memory: 1 << 20, guest, cpu: parseCpuChoice('+ia64') }), /This host's KVM cannot give the guest ia64;/);
  t.throws(() => Machine.create({ memory: 1 << 20, guest, cpu: parseCpuChoice('+x2apic') }), /add --irqchip kernel/);
  t.throws(() => Machine.create({ guest: { ...guest, mode: 'long' }, cpu: parseCpuChoice('-lm') }), /starts in long mode, which needs lm; leave -lm out/);
  t.deepEqual(native().liveObjects(), before);
  t.end();
});
