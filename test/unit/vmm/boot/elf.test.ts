import test from 'tape';
import { loadGuest } from '../../../../src/vmm/boot/load-guest.js';
import { parseElf } from '../../../../src/vmm/boot/elf.js';
import { elfImage, elfNote } from './elf-image.js';
import { OPTIONS, bytesAt, walk } from './loaded-memory.js';

const CODE = Uint8Array.of(0xb0, 0x41, 0xe6, 0xe9, 0xf4);
const KERNEL_BASE = 0xffff_ffff_8000_0000n;

test('ELF64 by entry point: long mode, higher half mapped to where it is loaded', (t) => {
  const file = elfImage({ bits: 64, entry: KERNEL_BASE + 0x10_0003n, segments: [
    { virtual: KERNEL_BASE + 0x10_0000n, physical: 0x10_0000n, bytes: CODE, memorySize: 0x3000 },
    { virtual: 0x40_0000n, physical: 0x20_0000n, bytes: CODE, memorySize: 0x20_1000 },
  ] });
  const guest = loadGuest(file, { ...OPTIONS, path: '/k/guest' });
  t.deepEqual([guest.kind, guest.entry, guest.cpu.regs.rip, guest.executable], ['elf', KERNEL_BASE + 0x10_0003n, KERNEL_BASE + 0x10_0003n, '/k/guest']);
  t.deepEqual([...bytesAt(guest, 0x10_0000, 5)], [...CODE]);
  t.equal(walk(guest, KERNEL_BASE + 0x10_2fffn), 0x10_2fffn, 'last byte of bss');
  t.equal(walk(guest, KERNEL_BASE + 0x10_3000n), undefined, 'not more than the segment');
  t.equal(walk(guest, 0x40_0000n), 0x20_0000n, 'a segment below 4 GiB replaces the identity map');
  t.equal(walk(guest, 0x60_0fffn), 0x40_0fffn, 'to its last page');
  t.equal(walk(guest, 0x60_1000n), 0x60_1000n, 'the rest of that large page is identity again');
  t.equal(walk(guest, 0x10_0000n), 0x10_0000n, 'identity stays elsewhere');
  t.end();
});

test('ELF32 by entry point: protected mode at the physical entry', (t) => {
  const file = elfImage({ bits: 32, entry: 0xc010_0004n, segments: [{ virtual: 0xc010_0000n, physical: 0x10_0000n, bytes: CODE }] });
  const guest = loadGuest(file, OPTIONS);
  t.deepEqual([guest.kind, guest.entry, guest.cpu.regs.rip, guest.cpu.sregs.cr0], ['elf', 0x10_0004n, 0x10_0004n, 0x11n]);
  t.end();
});

test('an ELF file cut anywhere is refused or whole, never misread', (t) => {
  const file = elfImage({ bits: 64, entry: 0x10_0000n, segments: [{ physical: 0x10_0000n, bytes: CODE }] });
  for (let length = 4; length < file.length; length++) {
    t.throws(() => loadGuest(file.subarray(0, length), OPTIONS), /is truncated: .* should reach byte \d+, and the file has \d+/, `${length} bytes`);
  }
  t.doesNotThrow(() => loadGuest(file, OPTIONS));
  t.end();
});

test('damaged and foreign ELF files are one sentence', (t) => {
  const segment = { physical: 0x10_0000n, bytes: CODE };
  const good = { bits: 64, entry: 0x10_0000n, segments: [segment] } as const;
  const refused = (file: Uint8Array, message: RegExp): void => t.throws(() => loadGuest(file, OPTIONS), message, String(message));
  const changed = (at: number, value: number): Uint8Array => {
    const file = elfImage(good);
    file[at] = value;
    return file;
  };
  refused(changed(4, 7), /ELF class 7/);
  refused(changed(5, 2), /big-endian/);
  refused(changed(54, 55), /program headers of 55 bytes instead of 56/);
  refused(elfImage({ ...good, machine: 183 }), /another processor \(ELF machine 183\)/);
  refused(elfImage({ ...good, machine: 3 }), /64-bit ELF file for machine 3, which do not go together/);
  refused(elfImage({ ...good, type: 1 }), /object file; link it/);
  refused(elfImage({ ...good, type: 4 }), /not an executable/);
  refused(elfImage({ ...good, segments: [] }), /nothing to load/);
  refused(elfImage({ ...good, segments: [{ ...segment, memorySize: 2 }] }), /5 bytes in the file and room for 2 in memory/);
  refused(elfImage({ ...good, segments: [{ ...segment, physical: 0x100_0000n }] }), /Segment 0 of guest needs memory at 0x1000000 .* but RAM is/);
  refused(elfImage({ ...good, segments: [{ ...segment, physical: KERNEL_BASE }] }), /where no machine has memory/);
  refused(elfImage({ ...good, segments: [segment, { physical: 0x10_0004n, bytes: CODE }] }), /Segment 1 of guest at 0x100004 to 0x100008 overlaps what is loaded at 0x100000 to 0x100004/);
  refused(elfImage({ ...good, segments: [{ ...segment, virtual: 0x8000_0000_0000n }] }), /not a canonical address/);
  refused(elfImage({ ...good, segments: [{ ...segment, virtual: KERNEL_BASE + 1n }] }), /lie differently within their 4 KiB pages/);
  refused(elfImage({ ...good, entry: KERNEL_BASE }), /in none of its segments; set ENTRY/);
  t.throws(() => loadGuest(CODE, { ...OPTIONS, boot: 'elf' }), /not an ELF file/);
  t.end();
});

test('notes are read, and a broken one ends the list', (t) => {
  const good = elfNote('Xen', 18, [1, 2, 3, 4]);
  const broken = elfNote('GNU', 1, [1]).slice(0, 12);
  const bytes = new Uint8Array(good.length + broken.length);
  bytes.set(good);
  bytes.set(broken, good.length);
  const { notes } = parseElf(elfImage({ bits: 64, entry: 0n, segments: [{ physical: 0n, bytes: CODE }, { physical: 0n, bytes, type: 4 }] }), 'guest');
  t.deepEqual(notes.map(({ name, type, descriptor }) => [name, type, ...descriptor]), [['Xen', 18, 1, 2, 3, 4]]);
  t.end();
});
