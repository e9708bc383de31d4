import test from 'tape';
import { isaProperties } from '../../../../src/vmm/boot/elf-isa.js';
import { parseElf } from '../../../../src/vmm/boot/elf.js';
import { GuestError, type IsaLevel, type LoadedGuest } from '../../../../src/vmm/boot/boot-options.js';
import { CPUID_FEATURES } from '../../../../src/vmm/cpuid-features.js';
import { checkIsaLevel, missingFeatures } from '../../../../src/vmm/isa-level.js';
import { emulatedIsaWarning } from '../../../../src/vmm/host/isa-probe.js';
import type { StructLayout } from '../../../../src/vmm/native.js';
import { elfImage, elfNote } from './elf-image.js';

const NEEDED = 0xc000_8002, USED = 0xc001_0002;
const PT_NOTE = 4, PT_GNU_PROPERTY = 0x6474_e553;

const word = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

/** Properties of one word each, padded as the class wants. */
function propertyNote(bits: 32 | 64, ...pairs: readonly (readonly [type: number, value: number])[]): Uint8Array {
  return elfNote('GNU', 5, pairs.flatMap(([type, value]) => [...word(type), ...word(4), ...word(value), ...(bits === 64 ? word(0) : [])]));
}

function isaOf(bits: 32 | 64, note: Uint8Array, type = PT_NOTE) {
  const file = elfImage({ bits, entry: 0x10_0000n, segments: [{ physical: 0x10_0000n, bytes: new Uint8Array(16) }, { physical: 0n, bytes: note, type }] });
  return isaProperties(parseElf(file, 'test'));
}

test('ELF ISA: the highest level that is named, in both classes and by both kinds of segment', (t) => {
  for (const bits of [32, 64] as const) {
    for (const type of [PT_NOTE, PT_GNU_PROPERTY]) {
      t.deepEqual(isaOf(bits, propertyNote(bits, [NEEDED, 1]), type), { bits, needed: 1 });
      t.deepEqual(isaOf(bits, propertyNote(bits, [USED, 0xf], [NEEDED, 3]), type), { bits, needed: 2, used: 4 });
      t.deepEqual(isaOf(bits, propertyNote(bits, [0xc000_0002, 3], [NEEDED, 4]), type), { bits, needed: 3 }, 'behind another property');
    }
    t.equal(isaOf(bits, propertyNote(bits, [0xc000_0002, 3])), undefined, 'IBT and SHSTK say nothing of it');
    t.equal(isaOf(bits, propertyNote(bits, [NEEDED, 0x100])), undefined, 'a level that nobody has defined');
    t.equal(isaOf(bits, elfNote('GNU', 3, [...word(NEEDED), ...word(4), ...word(4), ...word(0)])), undefined, 'a build id that looks alike');
  }
  t.end();
});

test('ELF ISA: a damaged note says nothing, and nothing is read beyond it', (t) => {
  const whole = propertyNote(64, [0xc000_0002, 3], [NEEDED, 4]);
  for (let length = 0; length < whole.length - 4; length++) {
    const cut = whole.slice(0, length);
    // The note says how long its descriptor is; make it what is left.
    if (length >= 16) new DataView(cut.buffer).setUint32(4, length - 16, true);
    t.equal(isaOf(64, cut), undefined, `${length} bytes`);
  }
  for (const size of [0, 3, 8, 0x7fff_ffff, 0xffff_ffff]) {
    const note = propertyNote(64, [NEEDED, 4]);
    new DataView(note.buffer).setUint32(20, size, true);
    t.equal(isaOf(64, note), undefined, `a property of ${size} bytes`);
  }
  const file = elfImage({ bits: 64, entry: 0n, segments: [{ physical: 0n, bytes: new Uint8Array(1) }, { physical: 0n, bytes: whole, type: PT_GNU_PROPERTY }] });
  t.throws(() => parseElf(file.slice(0, -1), 'test'), /test is truncated: segment 1/);
  t.end();
});

const NAMES = ['function', 'index', 'flags', 'eax', 'ebx', 'ecx', 'edx'];
const LAYOUT: StructLayout = { size: 40, fields: Object.fromEntries(NAMES.map((name, i) => [name, { offset: i * 4, size: 4 }])) };

/** A processor with everything but these. */
function cpuWithout(...names: string[]): Uint8Array {
  const leaves = [[1, 0], [7, 0], [7, 1], [0xd, 1], [0x8000_0001, 0]];
  const view = new DataView(new ArrayBuffer(leaves.length * 40));
  leaves.forEach(([leaf, index], row) => {
    [leaf, index, 0].forEach((value, i) => view.setUint32(row * 40 + i * 4, value, true));
    for (const i of [3, 4, 5, 6]) view.setUint32(row * 40 + i * 4, 0xffff_ffff, true);
    for (const name of names) {
      const feature = CPUID_FEATURES.get(name);
      if (feature?.word.leaf !== leaf || feature.word.index !== index) continue;
      const at = row * 40 + NAMES.indexOf(feature.word.register) * 4;
      view.setUint32(at, view.getUint32(at, true) & ~(1 << feature.bit), true);
    }
  });
  return new Uint8Array(view.buffer);
}

test('ISA levels: each feature belongs to its level and those above', (t) => {
  const rows: readonly (readonly [feature: string, from: IsaLevel])[] = [
    ['sse2', 1], ['cmov', 1], ['syscall', 1], ['cx16', 2], ['lahf_lm', 2], ['pni', 2], ['popcnt', 2], ['sse4_2', 2], ['avx2', 3], ['abm', 3], ['movbe', 3],
    ['fma', 3], ['xsave', 3], ['avx512f', 4], ['avx512vl', 4],
  ];
  for (const [feature, from] of rows) {
    for (const level of [1, 2, 3, 4] as const) {
      t.deepEqual(missingFeatures(cpuWithout(feature), LAYOUT, level, 64), level >= from ? [feature] : [], `${feature} at ${level}`);
    }
  }
  t.deepEqual(missingFeatures(cpuWithout('syscall', 'cx16', 'lahf_lm', 'avx'), LAYOUT, 4, 32), ['avx'], '32-bit code has no SYSCALL, CX16, LAHF in long mode');
  t.deepEqual(missingFeatures(new Uint8Array(), LAYOUT, 1, 64).length, 8, 'no CPUID at all');
  t.end();
});

test('ISA levels: needing is refused, using is told', (t) => {
  const guest = (isa: LoadedGuest['isa']): LoadedGuest => ({ isa, kind: 'elf', writes: [], entry: 0n, notes: [], cpu: undefined } as unknown as LoadedGuest);
  const check = (isa: LoadedGuest['isa'], chosen = false, ...without: string[]): string | undefined => checkIsaLevel(guest(isa), 'k.elf', cpuWithout(...without), LAYOUT, chosen);
  t.throws(() => check({ bits: 64, needed: 3 }, false, 'avx2', 'fma', 'avx512f'), (error: unknown) => error instanceof GuestError &&
    /^k\.elf needs x86-64-v3 .*, and the guest's CPUID lacks avx2, fma; take a host that has it, or build it with -march=x86-64\.$/.test(error.message));
  t.throws(() => check({ bits: 64, needed: 1 }, true, 'sse2'), /needs x86-64 \(baseline\) .* lacks sse2; change --cpu, or/);
  t.match(check({ bits: 64, needed: 1, used: 4 }, false, 'avx512f') ?? '', /^k\.elf uses x86-64-v4 in places .* lacks avx512f; where it does not look first, .*\.$/);
  t.equal(check({ bits: 64, needed: 4, used: 4 }), undefined, 'all there');
  t.equal(check(undefined, false, 'sse2'), undefined, 'a file that says nothing');
  t.match(emulatedIsaWarning(guest({ bits: 64, needed: 2 }), 'k.elf', () => false) ?? '', /^k\.elf needs x86-64-v2, and .*emulator.*docs\/hosts\.md\.$/);
  t.equal(emulatedIsaWarning(guest({ bits: 64, needed: 2 }), 'k.elf', () => true), undefined);
  t.equal(emulatedIsaWarning(guest({ bits: 64, needed: 1 }), 'k.elf', () => { throw new Error('asked'); }), undefined, 'the baseline is not probed');
  t.end();
});
