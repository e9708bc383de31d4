import test from 'tape';
import { findMultibootHeader } from '../../../../src/vmm/boot/multiboot1-header.js';
import { loadGuest } from '../../../../src/vmm/boot/load-guest.js';
import { memoryMap } from '../../../../src/vmm/boot/memory-map.js';
import { ramLayout } from '../../../../src/vmm/guest-memory.js';
import { elfImage, elfNote, multibootHeader } from './elf-image.js';
import { OPTIONS, bytesAt, stringAt, word32, word64 } from './loaded-memory.js';

const MODULE = { text: 'initrd.img root=x', bytes: Uint8Array.of(1, 2, 3, 4, 5) };

function kernel(flags: number, bits: 32 | 64 = 32): Uint8Array {
  return elfImage({ bits, entry: 0x10_0020n, segments: [{ physical: 0x10_0000n, bytes: multibootHeader(flags), memorySize: 0x5000 }] });
}

test('the header is found by alignment, place and checksum', (t) => {
  const header = multibootHeader(3);
  const at = (offset: number): Uint8Array => {
    const file = new Uint8Array(9000);
    file.set(header, offset);
    return file;
  };
  t.equal(findMultibootHeader(at(4))?.offset, 4);
  t.equal(findMultibootHeader(at(8180))?.offset, 8180, 'the last place');
  t.equal(findMultibootHeader(at(8184)), undefined, 'outside the first 8192 bytes');
  t.equal(findMultibootHeader(at(6)), undefined, 'unaligned');
  const wrong = at(0);
  wrong[8] ^= 1;
  t.equal(findMultibootHeader(wrong), undefined, 'wrong checksum');
  t.equal(findMultibootHeader(new Uint8Array(3)), undefined);
  t.end();
});

test('Multiboot 1: state and information', (t) => {
  const guest = loadGuest(kernel(3), { ...OPTIONS, commandLine: 'debug=1', modules: [MODULE] });
  const { regs, sregs } = guest.cpu;
  t.deepEqual([guest.kind, regs.rax, regs.rip, sregs.cr0 & 0x8000_0001n, sregs.cs.limit, sregs.cs.db], ['multiboot', 0x2bad_b002n, 0x10_0020n, 1n, 0xffff_ffff, 1]);
  t.equal(regs.rflags & 0x2_0200n, 0n, 'IF and VM are clear');
  const info = Number(regs.rbx);
  t.equal(word32(guest, info), 0b1_0010_0100_1101, 'flags');
  t.deepEqual([word32(guest, info + 4), word32(guest, info + 8)], [639, 15 * 1024], 'mem_lower and mem_upper in KiB');
  t.equal(stringAt(guest, word32(guest, info + 16)), 'guest debug=1');
  t.equal(stringAt(guest, word32(guest, info + 64)), 'kvm-gdbserver');
  const mods = word32(guest, info + 24);
  const start = word32(guest, mods);
  t.deepEqual([word32(guest, info + 20), word32(guest, mods + 4) - start, start % 4096], [1, 5, 0]);
  t.ok(start >= 0x10_5000, 'behind the bss');
  t.deepEqual([...bytesAt(guest, start, 5)], [...MODULE.bytes]);
  t.equal(stringAt(guest, word32(guest, mods + 8)), MODULE.text);
  const map = word32(guest, info + 48);
  const rows = [];
  for (let at = map; at < map + word32(guest, info + 44); at += word32(guest, at) + 4) rows.push([Number(word64(guest, at + 4)), Number(word64(guest, at + 12)), word32(guest, at + 20)]);
  t.deepEqual(rows, [[0, 0x9_fc00, 1], [0x9_fc00, 0x6_0400, 2], [0x10_0000, 15 * 1024 ** 2, 1]]);
  t.end();
});

test('Multiboot 1: ELF64 kernels too, a.out kludge, refusals', (t) => {
  t.equal(loadGuest(kernel(3, 64), OPTIONS).cpu.sregs.cs.l, 0, 'ELF64 is entered in 32-bit mode');
  const graphic = loadGuest(kernel(4), OPTIONS);
  const info = Number(graphic.cpu.regs.rbx);
  t.deepEqual(graphic.videoMode, { width: 1024, height: 768, depth: 32 }, 'a framebuffer of any size');
  t.deepEqual([word32(graphic, info) & 0x1000, word64(graphic, info + 88), word32(graphic, info + 96), word32(graphic, info + 100), word32(graphic, info + 104), ...bytesAt(graphic, info + 108, 8)],
    [0x1000, 0xe000_0000n, 4096, 1024, 768, 32, 1, 16, 8, 8, 8, 0, 8]);
  t.throws(() => loadGuest(kernel(0x18), OPTIONS), /requires Multiboot features 0x18/);
  t.throws(() => loadGuest(new Uint8Array(64), { ...OPTIONS, boot: 'multiboot' }), /no Multiboot header/);

  const flat = new Uint8Array(256);
  flat.set(multibootHeader(0x1_0000, [0x20_0010, 0x20_0000, 0x20_0080, 0x20_1000, 0x20_0040]), 16);
  const guest = loadGuest(flat, OPTIONS);
  t.deepEqual([guest.kind, guest.entry, guest.writes[0]?.address, guest.writes[0]?.bytes.length], ['multiboot', 0x20_0040n, 0x20_0000n, 0x80]);
  for (const addresses of [[0x10, 0x20_0000, 0, 0, 0], [0x20_0100, 0x20_0000, 0, 0, 0], [0x20_0010, 0x20_0000, 0x30_0000, 0, 0], [0x20_0010, 0x20_0000, 0x1f_0000, 0, 0]]) {
    const wrong = new Uint8Array(256);
    wrong.set(multibootHeader(0x1_0000, addresses), 16);
    t.throws(() => loadGuest(wrong, OPTIONS), /address fields of guest .* do not fit its 256 bytes/);
  }
  const shortBss = new Uint8Array(256);
  shortBss.set(multibootHeader(0x1_0000, [0x20_0010, 0x20_0000, 0x20_0080, 0x20_0040, 0]), 16);
  t.throws(() => loadGuest(shortBss, OPTIONS), /end bss at 0x200040, inside the data/);
  t.throws(() => loadGuest(kernel(3), { ...OPTIONS, modules: [{ text: 'big', bytes: new Uint8Array(16 * 1024 ** 2) }] }), /no room for the module "big"/);
  t.end();
});

test('PVH: state and start info', (t) => {
  const note = elfNote('Xen', 18, [0x10, 0, 0x10, 0]);
  const file = elfImage({ bits: 64, entry: 0x10_0000n, segments: [{ physical: 0x10_0000n, bytes: new Uint8Array(32).fill(0x90) }, { physical: 0n, bytes: note, type: 4 }] });
  const guest = loadGuest(file, { ...OPTIONS, commandLine: 'console=ttyS0', modules: [MODULE] });
  const { regs, sregs } = guest.cpu;
  t.deepEqual([guest.kind, regs.rip, sregs.cs.db, sregs.cr4, sregs.tr.limit, sregs.cr0 & 0x8000_0001n], ['pvh', 0x10_0010n, 1, 0n, 0x67, 1n]);
  const info = Number(regs.rbx);
  t.deepEqual([word32(guest, info), word32(guest, info + 4), word32(guest, info + 12), word32(guest, info + 48)], [0x336e_c578, 1, 1, 3]);
  t.equal(stringAt(guest, word32(guest, info + 24)), 'console=ttyS0');
  const module = word32(guest, info + 16);
  t.equal(word64(guest, module + 8), 5n);
  t.deepEqual([...bytesAt(guest, word32(guest, module), 5)], [...MODULE.bytes]);
  t.equal(stringAt(guest, word32(guest, module + 16)), MODULE.text);
  t.equal(word64(guest, word32(guest, info + 40) + 2 * 24), 0x10_0000n, 'the map');
  t.equal(loadGuest(file, { ...OPTIONS, boot: 'elf' }).kind, 'elf', '--boot overrides');
  t.throws(() => loadGuest(kernel(3), { ...OPTIONS, boot: 'pvh' }), /no PVH note/);
  const astray = elfImage({ bits: 64, entry: 0x10_0000n, segments: [{ physical: 0x10_0000n, bytes: note }, { physical: 0n, bytes: elfNote('Xen', 18, [0, 0, 0, 0x7f]), type: 4 }] });
  t.throws(() => loadGuest(astray, OPTIONS), /PVH entry 0x7f000000 of guest is in none of its segments/);
  t.end();
});

test('the memory map has the hole of the PC and the one below 4 GiB', (t) => {
  const GIB = 1024 ** 3;
  t.deepEqual(memoryMap(ramLayout(4 * GIB)).map(({ start, size, type }) => [start, size, type]), [
    [0, 0x9_fc00, 1], [0x9_fc00, 0x6_0400, 2], [0x10_0000, 3 * GIB - 0x10_0000, 1], [4 * GIB, GIB, 1],
  ]);
  t.end();
});
