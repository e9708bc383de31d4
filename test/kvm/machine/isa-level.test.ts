/** ELF guests that say what processor they were built for, on the real KVM: started, refused, or warned of. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'tape';
import { isaProperties } from '../../../src/vmm/boot/elf-isa.js';
import { parseElf } from '../../../src/vmm/boot/elf.js';
import { parseCpuChoice, type CpuChoice } from '../../../src/vmm/cpu-choice.js';
import { setGuestCpuid } from '../../../src/vmm/guest-cpuid.js';
import { runsPopcnt } from '../../../src/vmm/host/isa-probe.js';
import { missingFeatures } from '../../../src/vmm/isa-level.js';
import { Machine } from '../../../src/vmm/machine.js';
import { native } from '../../../src/vmm/native.js';
import type { Vcpu } from '../../../src/vmm/vcpu.js';
import { elfImage, elfNote } from '../../unit/vmm/boot/elf-image.js';
import { patience } from '../../time-scale.js';
import { SERVER_MAIN } from '../../server-command.js';
import { folderOfFile } from '../../temporary-folder.js';

const folder = folderOfFile();

/** mov al,5; out f4,al: ends with status 11. */
const CODE = Uint8Array.of(0xb0, 5, 0xe6, 0xf4, 0xf4);

/** An ELF64 guest with that mask in GNU_PROPERTY_X86_ISA_1_NEEDED. */
function guestThatNeeds(mask: number): Uint8Array {
  const note = elfNote('GNU', 5, [0x02, 0x80, 0x00, 0xc0, 4, 0, 0, 0, mask, 0, 0, 0, 0, 0, 0, 0]);
  return elfImage({ bits: 64, entry: 0x10_0000n, segments: [{ physical: 0x10_0000n, bytes: CODE }, { physical: 0n, bytes: note, type: 4 }] });
}

/** What the plain machine's CPUID lacks of a level. */
function lackingHere(level: 1 | 2 | 3 | 4): string[] {
  const machine = Machine.create({ memory: 1 << 20 });
  try {
    return missingFeatures(machine.vcpus[0].native.getCpuid2(), native().layout['kvm_cpuid_entry2'], level, 64);
  } finally {
    machine.close();
  }
}

test('ISA level: a guest is refused exactly where the CPUID lacks something, by name', (t) => {
  const before = native().liveObjects();
  for (const level of [1, 2, 3, 4] as const) {
    const missing = lackingHere(level);
    const create = (): void => Machine.create({ memory: 4 << 20, guest: { name: 'k.elf', bytes: guestThatNeeds((1 << level) - 1) } }).close();
    t.comment(`level ${level}: this host lacks ${missing.join(', ') || 'nothing'}`);
    if (missing.length === 0) t.doesNotThrow(create, `level ${level} is there`);
    else t.throws(create, new RegExp(`^GuestError: k\\.elf needs x86-64-v${level} .* lacks ${missing.join(', ')}; take a host`), `level ${level} is not`);
  }
  t.deepEqual(native().liveObjects(), before, 'nothing stays open');
  t.end();
});

test('ISA level: what --cpu takes away counts', (t) => {
  const cpu = parseCpuChoice('host,-popcnt');
  const create = (): void => Machine.create({ memory: 4 << 20, cpu, guest: { name: 'k.elf', bytes: guestThatNeeds(3) } }).close();
  // A software KVM hides nothing and says so first.
  t.throws(create, /k\.elf needs x86-64-v2 .* lacks popcnt; change --cpu, or|This host's KVM cannot hide popcnt/);
  t.end();
});

test('ISA level: KVM that takes no CPUID of the choice is one sentence', (t) => {
  // No choice is known that KVM refuses, so one vCPU does.
  const refusing = { native: { setCpuid2: () => { throw Object.assign(new Error('KVM_SET_CPUID2: Invalid argument'), { operation: 'KVM_SET_CPUID2', code: 'EINVAL' }); } } } as unknown as Vcpu;
  const set = (choice: CpuChoice | undefined) => (): unknown => setGuestCpuid(refusing, {
    supported: new Uint8Array(), apicId: 0, cpus: 1, localApic: false, policy: 'host', choice, guest: undefined, guestName: '',
  });
  t.throws(set(parseCpuChoice('host')), /^RangeError: This host's KVM refuses the CPUID that --cpu asks for \(EINVAL\); change fewer features\.$/);
  t.throws(set(undefined), /^Error: KVM_SET_CPUID2/, 'without --cpu it is not the choice');
  t.end();
});

test('ISA level: a linker\'s own note, and what run says where kernel code is emulated', (t) => {
  const [source, object, file] = ['s', 'o', 'elf'].map((extension) => join(folder, `guest.${extension}`));
  writeFileSync(source, '.globl _start\n_start: mov $5, %al\nout %al, $0xf4\nhlt\n');
  const tools: readonly (readonly string[])[] = [['as', '--64', '-o', object, source], ['ld', '-z', 'x86-64-v2', '-Ttext=0x100000', '-o', file, object]];
  for (const [program, ...args] of tools) {
    const { error, status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    if (error !== undefined) {
      t.comment(`not checked: there is no ${program} here`);
      return t.end();
    }
    t.equal(status, 0, stderr);
  }
  t.equal(isaProperties(parseElf(readFileSync(file), 'guest'))?.needed, 2, 'ld -z x86-64-v2');
  const missing = lackingHere(2);
  const { status, stderr } = spawnSync(process.execPath, [SERVER_MAIN, file, '--run', '--listen', ':0', '--serial', 'none'], { encoding: 'utf8', timeout: patience(15_000) });
  const warned = /guest\.elf needs x86-64-v2, and this host's KVM runs kernel code in an instruction emulator .*docs\/hosts\.md\.$/m.test(stderr);
  if (missing.length > 0) {
    t.equal(status, 1);
    t.match(stderr, /needs x86-64-v2 .* lacks /);
  } else {
    t.equal(status, 11, stderr);
    t.equal(warned, !runsPopcnt(), 'warned of exactly where POPCNT does not run');
  }
  t.end();
});
