import test from 'tape';
import { loadGuest } from '../../../../src/vmm/boot/load-guest.js';
import { entriesOf, readMemoryMap, type MemoryReader } from '../../../../src/vmm/boot/read-memory-map.js';
import type { LoadedGuest } from '../../../../src/vmm/boot/boot-options.js';
import { FwCfg } from '../../../../src/vmm/devices/fw-cfg.js';
import { fwCfgItems } from '../../../../src/vmm/devices/fw-cfg-items.js';
import { bzImage } from './bzimage.js';
import { elfImage, elfNote, multiboot2Header, multibootHeader } from './elf-image.js';
import { OPTIONS, bytesAt } from './loaded-memory.js';

const ENTRY = [1, 0, 0, 0];
const segment = (bytes: Uint8Array): { physical: bigint; bytes: Uint8Array; memorySize: number }[] => [{ physical: 0x10_0000n, bytes, memorySize: 0x3000 }];
const PVH_NOTE = elfNote('Xen', 18, [0, 0, 0x10, 0]);
const GUESTS: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ['linux', bzImage({ code32: [0x90], code64: [0x90] }), /^the zero page at 0x/],
  ['multiboot', elfImage({ bits: 32, entry: 0x10_0020n, segments: segment(multibootHeader(3)) }), /^the Multiboot information at 0x/],
  ['multiboot2', elfImage({ bits: 32, entry: 0x10_0040n, segments: segment(multiboot2Header()) }), /^the Multiboot 2 information at 0x/],
  ['pvh', elfImage({ bits: 64, entry: 0x10_0000n, segments: [...segment(new Uint8Array(16)), { physical: 0n, bytes: PVH_NOTE, type: 4 }] }), /^the PVH start info at 0x/],
];

const memoryOf = (guest: LoadedGuest): MemoryReader => ({ read: (gpa, length) => bytesAt(guest, Number(gpa), length) });

for (const [kind, file, place] of GUESTS) {
  test(`the memory map is read back from where ${kind} finds it`, (t) => {
    const guest = loadGuest(file, OPTIONS);
    t.equal(guest.kind, kind);
    const map = readMemoryMap(guest, memoryOf(guest));
    t.match(map?.place ?? '', place);
    t.deepEqual(map?.entries[0], { start: 0n, size: 639n * 1024n, type: 1 });
    t.ok(map?.entries.some(({ start, size, type }) => start === 0x10_0000n && size >= 14n << 20n && type === 1), 'RAM from 1 MiB');
    t.end();
  });

  test(`what a ${kind} guest left there instead is no trouble`, (t) => {
    const guest = loadGuest(file, OPTIONS);
    for (const fill of [0x00, 0xff, 0x07, 0x18]) {
      const map = readMemoryMap(guest, { read: (_gpa, length) => new Uint8Array(length).fill(fill) });
      t.ok((map?.entries.length ?? 0) <= 128, `all ${fill}: ${map?.entries.length} entries`);
      t.ok((readMemoryMap(guest, { read: (_gpa, length) => new Uint8Array(Math.min(length, 10)).fill(fill) })?.entries.length ?? 0) <= 128, 'where memory ends');
    }
    t.equal(readMemoryMap(guest, { read: () => new Uint8Array(0) })?.entries.length ?? 0, 0, 'where there is none');
    t.end();
  });
}

test('a flat image is told nothing', (t) => {
  const guest = loadGuest(Uint8Array.from(ENTRY), { ...OPTIONS, boot: 'flat' });
  t.equal(readMemoryMap(guest, memoryOf(guest)), undefined);
  t.end();
});

test('fw_cfg: a file by its name', (t) => {
  const device = new FwCfg(fwCfgItems({ ram: OPTIONS.ram, cpus: 1, files: new Map([['opt/a', Uint8Array.of(7)]]) }), { contains: () => false, read: () => new Uint8Array(0), write: () => undefined });
  t.deepEqual([...device.file('opt/a') ?? []], [7]);
  t.deepEqual(entriesOf(device.file('etc/e820') ?? new Uint8Array(0), 1, 20), [{ start: 0n, size: 16n << 20n, type: 1 }]);
  t.equal(device.file('opt'), undefined);
  t.equal(device.file('opt/ab'), undefined);
  t.end();
});
