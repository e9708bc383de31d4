import test from 'tape';
import { PlantedPatches } from '../../../src/breakpoints/patches.js';
import { GuestMemory, ramLayout } from '../../../src/vmm/guest-memory.js';
import { fakeHost } from './fake-memory.js';

const MIB = 1024 ** 2, GIB = 1024 ** 3;

test('ramLayout keeps the hole below 4 GiB', (t) => {
  t.deepEqual(ramLayout(128 * MIB), [{ kind: 'ram', start: 0, size: 128 * MIB }]);
  t.deepEqual(ramLayout(3 * GIB), [{ kind: 'ram', start: 0, size: 3 * GIB }]);
  t.deepEqual(ramLayout(5 * GIB), [{ kind: 'ram', start: 0, size: 3 * GIB }, { kind: 'ram', start: 4 * GIB, size: 2 * GIB }]);
  t.end();
});

test('RAM above 1 GiB is several slots and one region', (t) => {
  const { allocator, vm, slots } = fakeHost();
  const memory = new GuestMemory(allocator, vm);
  memory.addRam(GIB + 4096);
  t.deepEqual(slots.map(({ slot, address, size }) => [slot, address, size]), [[0, 0n, 0xa_0000], [1, 0xc_0000n, GIB - 0xc_0000], [2, BigInt(GIB), 4096]]);
  t.deepEqual(memory.regions, [{ kind: 'ram', start: 0, size: 0xa_0000 }, { kind: 'ram', start: 0xc_0000, size: GIB + 4096 - 0xc_0000 }]);

  memory.write(GIB - 2, Uint8Array.of(1, 2, 3, 4));
  t.deepEqual([...memory.read(BigInt(GIB - 2), 4)], [1, 2, 3, 4], 'across the chunks');
  t.deepEqual([...memory.read(GIB + 4094, 10)], [0, 0], 'short where RAM ends');
  t.deepEqual([...memory.peek(GIB - 2, 4)], [1, 2, 3, 4], 'looked at across the chunks');
  t.equal(memory.read32(GIB - 2), undefined, 'a word in two chunks is no page table entry');
  t.end();
});

test('reads, writes and words', (t) => {
  const { allocator, vm, slots, open } = fakeHost();
  const memory = new GuestMemory(allocator, vm);
  memory.addRam(MIB);
  memory.addRom(0xffff_0000, Uint8Array.of(0xea, 0x5b));
  t.equal(slots.at(-1)?.flags, 2, 'ROM is a read-only slot');
  t.deepEqual([...memory.read(0xffff_0000, 3)], [0xea, 0x5b, 0xff], 'ROM is padded with ff');

  memory.write(0x1000n, Uint8Array.of(0x78, 0x56, 0x34, 0x12, 0xef, 0xbe, 0xad, 0xde));
  t.equal(memory.read32(0x1000), 0x12345678);
  t.equal(memory.read64(0x1000n), 0xdeadbeef12345678n);
  const [copy, itself] = [memory.read(0x1000, 2), memory.peek(0x1000, 2)];
  memory.writeByte(0x1000, 0x79);
  t.deepEqual([copy[0], itself[0], itself.length], [0x78, 0x79, 2], 'a copy is one, a look is none');
  t.equal(memory.peek(-1, 4).length, 0);
  t.equal(memory.readByte(0x1001), 0x56);
  t.ok(memory.writeByte(0x1001n, 0xcc));
  t.equal(memory.readByte(0x1001), 0xcc);
  t.notOk(memory.writeByte(MIB, 1), 'no byte behind RAM');
  t.equal(memory.readByte(0xffff_ffff_ffff_ffffn), undefined);
  t.equal(memory.read(-1, 4).length, 0);

  t.throws(() => memory.write(MIB - 2, Uint8Array.of(9, 9, 9)), /no guest memory at all of 0xffffe to 0x100000/);
  t.deepEqual([...memory.read(MIB - 2, 2)], [0, 0], 'nothing was written');
  t.ok(memory.contains(0xc_0000, MIB - 0xc_0000));
  t.notOk(memory.contains(0, MIB), 'a video card has A0000 to BFFFF');
  t.notOk(memory.contains(0xc_0000, MIB));
  t.throws(() => memory.addRom(0x1000, new Uint8Array(1)), /overlaps the RAM/);

  memory.clear();
  t.equal(memory.read32(0x1000), 0, 'RAM is zero again');
  t.equal(memory.readByte(0xffff_0000), 0xea, 'ROM stays');
  memory.close();
  memory.close();
  t.equal(open(), 0, 'no mapping is left; the slots go with the VM');
  t.end();
});

test('what is laid over memory is not seen, in one chunk and across two', (t) => {
  const { allocator, vm } = fakeHost();
  const memory = new GuestMemory(allocator, vm);
  memory.addRam(GIB + 4096);
  const patches = new PlantedPatches(memory);
  memory.overlay = patches;
  for (const physical of [0x1000, GIB]) {
    memory.write(physical - 1, Uint8Array.of(1, 2, 3));
    patches.plant({ mechanism: 'int3', physical }, patches);
    t.equal(memory.readByte(physical), 0xcc);
    t.deepEqual([...memory.read(physical - 1, 3)], [1, 2, 3], 'a copy');
    t.deepEqual([...memory.peek(physical - 1, 3)], [1, 2, 3], 'a look');
    memory.write(physical - 1, Uint8Array.of(4, 5, 6));
    t.deepEqual([memory.readByte(physical), ...memory.peek(physical - 1, 3)], [0xcc, 4, 5, 6], 'written beneath it');
  }
  patches.liftAll();
  t.deepEqual([memory.readByte(0x1000), memory.readByte(GIB)], [5, 5]);
  t.end();
});

test('a window shows a device\'s memory here and there, and nowhere', (t) => {
  const { allocator, vm, slots, open } = fakeHost();
  const memory = new GuestMemory(allocator, vm);
  memory.addRam(MIB);
  const device = memory.addDeviceMemory(0x2_0000);
  new Uint8Array(device.buffer).set([7], 0x1_0000);
  const window = memory.addWindow('video', device, 0x1_0000);
  t.equal(memory.readByte(0xa_0000), undefined, 'nothing is there at first');
  window.show(0xa_0000, 0);
  t.equal(memory.readByte(0xa_0000), 0);
  window.show(0xa_0000, 0x1_0000);
  t.deepEqual([memory.readByte(0xa_0000), window.start, window.offset], [7, 0xa_0000, 0x1_0000], 'another part');
  t.deepEqual([...memory.read(0x9_ffff, 2)], [0, 7], 'next to RAM');
  t.throws(() => window.show(0xc_0000, 0), /overlaps the RAM at 0xc0000/);
  t.deepEqual([memory.readByte(0xa_0000), window.start], [undefined, undefined], 'and hidden then');
  memory.onMissing = (gpa) => {
    if (gpa < 0xa_0000 || gpa >= 0xb_0000) return false;
    window.show(0xa_0000, 0);
    return true;
  };
  t.ok(memory.contains(0xa_0000, 0x1_0000), 'shown when it is looked for');
  window.hide();
  t.equal(slots.length, 2, 'the slots of RAM are left');
  memory.close();
  t.equal(open(), 0, 'the device\'s mapping is closed too');
  t.end();
});
