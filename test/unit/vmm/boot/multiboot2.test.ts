import test from 'tape';
import type { LoadedGuest } from '../../../../src/vmm/boot/boot-options.js';
import { loadGuest } from '../../../../src/vmm/boot/load-guest.js';
import { findMultiboot2Header, parseMultiboot2Header } from '../../../../src/vmm/boot/multiboot2-header.js';
import { damage, loadIntoRam, refusals } from './damage.js';
import { elfImage, multiboot2Header, multibootHeader } from './elf-image.js';
import { OPTIONS, bytesAt, stringAt, word32, word64 } from './loaded-memory.js';

type Tags = Parameters<typeof multiboot2Header>;
const OPTIONAL = 1;
const MODULES = [{ text: 'initrd.img root=x y', bytes: Uint8Array.of(1, 2, 3) }, { text: 'font.psf', bytes: Uint8Array.of(9) }];

function kernel(bits: 32 | 64, ...tags: Tags): Uint8Array {
  return elfImage({ bits, entry: 0x10_0040n, segments: [{ physical: 0x10_0000n, bytes: multiboot2Header(...tags), memorySize: 0x3000 }] });
}

/** Adds a section table: null, a symbol table in no segment, and one section that is loaded. */
function withSections(file: Uint8Array, bits: 32 | 64): Uint8Array {
  const wide = bits === 64, size = wide ? 64 : 40;
  const symbols = Uint8Array.from({ length: 24 }, (_, i) => i + 1);
  const table = Math.ceil((file.length + symbols.length) / 8) * 8;
  const bytes = new Uint8Array(table + 3 * size);
  bytes.set(file);
  bytes.set(symbols, file.length);
  const view = new DataView(bytes.buffer);
  const word = (at: number, value: number): void => (wide ? view.setBigUint64(at, BigInt(value), true) : view.setUint32(at, value, true));
  word(wide ? 40 : 32, table);
  [size, 3, 2].forEach((value, i) => view.setUint16((wide ? 58 : 46) + i * 2, value, true));
  const header = (index: number, type: number, address: number, offset: number, length: number): void => {
    const at = table + index * size;
    view.setUint32(at + 4, type, true);
    word(at + (wide ? 16 : 12), address);
    word(at + (wide ? 24 : 16), offset);
    word(at + (wide ? 32 : 20), length);
  };
  header(1, 2, 0, file.length, symbols.length);
  header(2, 1, 0x10_0000, 64, 16);
  return bytes;
}

/** Payloads of the information's tags by type, each from behind its size; the same type several times is a list. */
function information(guest: LoadedGuest): Map<number, number[]> {
  const start = Number(guest.cpu.regs.rbx);
  const end = start + word32(guest, start);
  const tags = new Map<number, number[]>();
  let at = start + 8;
  while (at < end) {
    const type = word32(guest, at);
    tags.set(type, [...(tags.get(type) ?? []), at + 8]);
    if (at % 8 !== 0 || word32(guest, at + 4) < 8) throw new Error(`a bad tag at ${at.toString(16)}`);
    at += Math.ceil(word32(guest, at + 4) / 8) * 8;
  }
  if (at !== end || tags.get(0)?.[0] !== end) throw new Error('the end tag is not at the end');
  return tags;
}

test('Multiboot 2: state and information', (t) => {
  const guest = loadGuest(kernel(32), { ...OPTIONS, commandLine: 'debug=1', modules: MODULES });
  const { regs, sregs } = guest.cpu;
  t.deepEqual([guest.kind, regs.rax, regs.rip, sregs.cr0 & 0x8000_0001n, sregs.cs.limit, sregs.cs.db], ['multiboot2', 0x36d7_6289n, 0x10_0040n, 1n, 0xffff_ffff, 1]);
  t.equal(regs.rflags & 0x2_0200n, 0n, 'IF and VM are clear');
  const tags = information(guest);
  const one = (type: number): number => tags.get(type)![0];
  t.equal(Number(regs.rbx) % 8, 0);
  t.deepEqual([...tags.keys()], [1, 2, 4, 3, 6, 8, 0]);
  t.equal(stringAt(guest, one(1)), 'debug=1');
  t.equal(stringAt(guest, one(2)), 'kvm-gdbserver');
  t.deepEqual(tags.get(3)!.map((at) => stringAt(guest, at + 8)), ['root=x y', ''], 'modules without their file names');
  t.deepEqual(tags.get(3)!.map((at) => [word32(guest, at) % 4096, [...bytesAt(guest, word32(guest, at), word32(guest, at + 4) - word32(guest, at))]]), [[0, [1, 2, 3]], [0, [9]]]);
  t.deepEqual([word32(guest, one(4)), word32(guest, one(4) + 4)], [639, 15 * 1024]);
  t.deepEqual([word32(guest, one(6) - 4), word32(guest, one(6)), word32(guest, one(6) + 4)], [16 + 3 * 24, 24, 0], 'memory map: size, entry size, version');
  const rows = [0, 1, 2].map((i) => one(6) + 8 + i * 24).map((at) => [Number(word64(guest, at)), Number(word64(guest, at + 8)), word32(guest, at + 16)]);
  t.deepEqual(rows, [[0, 0x9_fc00, 1], [0x9_fc00, 0x6_0400, 2], [0x10_0000, 15 * 1024 ** 2, 1]]);
  t.deepEqual([word64(guest, one(8)), word32(guest, one(8) + 8), word32(guest, one(8) + 12), word32(guest, one(8) + 16), ...bytesAt(guest, one(8) + 20, 2)],
    [0xb_8000n, 160, 80, 25, 16, 2], 'EGA text');
  t.end();
});

test('Multiboot 2: ELF sections, with what no segment loads', (t) => {
  for (const bits of [32, 64] as const) {
    // As from readFileSync: in the middle of a larger ArrayBuffer.
    const guest = loadGuest(Buffer.from(withSections(kernel(bits), bits)), OPTIONS);
    const at = information(guest).get(9)![0];
    const size = bits === 64 ? 64 : 40;
    t.deepEqual([word32(guest, at), word32(guest, at + 4), word32(guest, at + 8)], [3, size, 2]);
    const address = (index: number): number => word32(guest, at + 12 + index * size + (bits === 64 ? 16 : 12));
    t.deepEqual([address(0), address(2)], [0, 0x10_0000]);
    t.ok(address(1) >= 0x10_3000, 'the symbols lie behind the kernel');
    t.deepEqual([...bytesAt(guest, address(1), 24)], Array.from({ length: 24 }, (_, i) => i + 1));
    t.equal(guest.cpu.sregs.cs.l, 0, 'entered in 32-bit mode');
  }
  const broken = withSections(kernel(32), 32);
  new DataView(broken.buffer).setUint16(48, 60_000, true);
  t.equal(information(loadGuest(broken, OPTIONS)).has(9), false, 'a table beyond the file is none');
  t.end();
});

test('Multiboot 2: header tags', (t) => {
  const load = (...tags: Tags): LoadedGuest => loadGuest(kernel(32, ...tags), OPTIONS);
  t.equal(load([3, 0, 0x10_0123]).entry, 0x10_0123n, 'entry address');
  const graphic = load([5, 0, 803, 600, 16]);
  t.deepEqual(graphic.videoMode, { width: 800, height: 600, depth: 16 }, 'a framebuffer, its rows a multiple of eight pixels');
  const [tag] = information(graphic).get(8)!;
  t.deepEqual([word64(graphic, tag), word32(graphic, tag + 8), ...bytesAt(graphic, tag + 20, 10)], [0xe000_0000n, 1600, 16, 1, 0, 0, 11, 5, 5, 6, 0, 5]);
  t.deepEqual(load([5, 0, 0, 0, 1]).videoMode, { width: 1024, height: 768, depth: 32 }, 'no preference, and a depth that there is not');
  t.equal(word32(load([10, 0, 0x10_0000, 0x100_0000, 4096, 1]), information(load([10, 0, 0x10_0000, 0x100_0000, 4096, 1])).get(21)![0]), 0x10_0000, 'relocatable: where it is');
  t.equal(load([1, 0, 1, 6, 8, 14, 21], [4, 0, 3], [6, 0], [7, 0], [8, 0, 0], [9, 0, 0]).kind, 'multiboot2', 'requests that are known, modules, EFI');
  t.equal(load([1, OPTIONAL, 99], [77, OPTIONAL, 1, 2, 3]).kind, 'multiboot2', 'optional ones');
  t.throws(() => load([1, 0, 6, 99]), /requires Multiboot 2 information 0x63/);
  t.throws(() => load([77, 0]), /requires Multiboot 2 header tag 0x4d/);
  t.throws(() => load([2, 0, 0x10_0000, 0x10_0000, 0, 0]), /address tag \(2\) and no entry address tag/);
  t.throws(() => load([5, 0, 1024]), /tag of type 5 .* has size 12, where 20 to 24 would fit/);
  t.throws(() => loadGuest(new Uint8Array(64), { ...OPTIONS, boot: 'multiboot2' }), /no Multiboot 2 header for i386/);

  const endless = multiboot2Header();
  new DataView(endless.buffer).setUint32(16, 6, true);
  t.throws(() => parseMultiboot2Header(endless, 0, 'k'), /tags of .* k do not end within its 24 bytes/);
  const long = multiboot2Header();
  t.throws(() => parseMultiboot2Header(long.subarray(0, 20), 0, 'k'), /should reach byte 24, beyond the file's 20 bytes/);
  t.end();
});

test('Multiboot 2: the header is found by alignment, place, checksum and architecture', (t) => {
  const at = (offset: number, header = multiboot2Header()): number | undefined => {
    const file = new Uint8Array(40_000);
    file.set(header, offset);
    return findMultiboot2Header(file);
  };
  t.deepEqual([at(8), at(32_752), at(32_760), at(4)], [8, 32_752, undefined, undefined]);
  const mips = multiboot2Header();
  new DataView(mips.buffer).setUint32(4, 4, true);
  new DataView(mips.buffer).setUint32(12, -(0xe852_50d6 + 4 + mips.length) >>> 0, true);
  t.equal(at(0, mips), undefined, 'for MIPS');
  const wrong = multiboot2Header();
  wrong[12] ^= 1;
  t.equal(at(0, wrong), undefined);
  t.throws(() => parseMultiboot2Header(Uint8Array.from({ length: 40_000 }), 32_752, 'k'), /do not end/, 'a header of nothing');
  const both = new Uint8Array(512);
  both.set(multibootHeader(0), 0);
  both.set(multiboot2Header([2, 0, 0x10_0040, 0xffff_ffff, 0, 0x10_4000], [3, 0, 0x10_0008]), 64);
  const guest = loadGuest(both, OPTIONS);
  t.deepEqual([guest.kind, guest.entry, guest.writes[0]?.address, guest.writes[0]?.bytes.length], ['multiboot2', 0x10_0008n, 0x10_0000n, 512], 'before version 1; loaded from the file\'s start');
  t.equal(loadGuest(kernel(32), { ...OPTIONS, boot: 'elf' }).kind, 'elf', '--boot overrides');
  t.end();
});

test('Multiboot 2: no length and no damage brings anything but a sentence', (t) => {
  const load = (file: Uint8Array): void => loadIntoRam(file, { ...OPTIONS, boot: 'multiboot2' });
  const whole = withSections(kernel(64, [1, 0, 1, 2], [5, 0, 1, 2, 3], [10, 0, 1, 2, 3, 4], [6, 0]), 64);
  t.deepEqual(refusals(Array.from({ length: whole.length }, (_, length) => whole.subarray(0, length)), load).astray, []);
  t.deepEqual(refusals(damage(whole, 0, whole.length, 5000), load).astray, []);
  const flat = new Uint8Array(512);
  flat.set(multiboot2Header([2, 0, 0x20_0000, 0x20_0000, 0x20_0100, 0x20_1000], [3, 0, 0x20_0040]));
  const { astray, accepted } = refusals(damage(flat, 20, 56, 5000), load);
  t.deepEqual(astray, []);
  t.ok(accepted > 50, `${accepted} accepted`);
  t.end();
});
